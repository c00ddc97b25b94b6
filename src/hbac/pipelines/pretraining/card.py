"""The model card that lies beside the networks.

Its sections are those of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import hbac
from hbac import models
from hbac.eeg.votes import CLASS_NAMES
from hbac.models.preprocessing import cleaning_of
from hbac.pipelines.modeling.params import WaveformParams
from hbac.pipelines.pretraining.params import PretrainingParams
from hbac.pipelines.simulation.params import SimulationParams


def _estimate(score: dict[str, float | None]) -> str:
    """A score with its interval."""
    value, low, high = ("-" if x is None else f"{x:.3f}" for x in score.values())
    return f"{value} ({low} to {high})"


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("hbac.pipelines.pretraining", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["estimate"] = _estimate
    return environment.get_template("card.md.jinja")


def _written_by() -> dict[str, str]:
    keras = models.keras_in_force()
    backend = f"{keras['backend']} {keras['backend_version']}"
    return {"hbac": hbac.__version__, "keras": keras["version"], "backend": backend}


def write_card(
    ensemble: dict[str, Any],
    scores: dict[str, Any],
    simulation: SimulationParams,
    modeling: PretrainingParams,
) -> str:
    """Tell what the networks are, what they have seen, how they do and what they are not for.

    Args:
        ensemble: as ``hbac.pipelines.modeling.nodes.describe_ensemble`` returns it.
        scores: as ``hbac.pipelines.evaluation.brief.score_briefly`` returns them, of patients
            that were held out.
        simulation: of which seed and ambiguity of the patients.
        modeling: of which the training.

    Returns:
        Markdown.
    """
    cleaning, waveform = cleaning_of(ensemble), WaveformParams.of_ensemble(ensemble)
    changes = {k: v for k, v in modeling.augmentation.model_dump(mode="json").items() if v}
    return _template().render(
        n_networks=len(ensemble["networks"]),
        architectures=modeling.network.architectures,
        class_names=CLASS_NAMES,
        cleaning=[f"{name} {value}" for name, value in cleaning.items()],
        changes=[f"{name} {value}" for name, value in changes.items()],
        versions=_written_by(),
        waveform=waveform,
        scores=scores,
        simulation=simulation,
        modeling=modeling,
        training=modeling.training,
    )
