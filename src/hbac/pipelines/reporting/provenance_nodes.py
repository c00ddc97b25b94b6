"""How a run was made, what it is not, and the whole report."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel

from hbac.models.members import ALL_FOLDS
from hbac.models.preprocessing import cleaning_of, record_of
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.modeling.params import ModelingParams, WaveformParams
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.summary_nodes import is_trained_by
from hbac.pipelines.reporting.words import counted, joined, keep, not_made, number
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.report import (
    Block,
    Document,
    Folded,
    Heading,
    Notice,
    Paragraph,
    Section,
    Table,
    render,
)

_PACKAGES = (
    *("hbac", "kedro", "kedro-datasets", "keras", "tensorflow", "jax", "numpy", "scipy", "pandas"),
    *("pyarrow", "librosa", "PyWavelets", "scikit-learn", "matplotlib", "mlflow"),
)

_OTHER_NETWORKS = (
    "The networks were made with other parameters than those of `modeling` below: on another data "
    "set, or by a run that changed them, such as the demo."
)

_LIMITS = (
    "This is research. It is not a medical device, was cleared by no authority, and must not be "
    "used to diagnose, to treat, to alarm or to rank patients.",
    "Experts disagree, and their votes are all the truth there is here: a score says how near a "
    "prediction is to their votes, not whether a patient has seizures. Scores hold for patients, "
    "devices, montages and experts like those of this data set, at most.",
    "Intervals stand for the choice of patients alone: not for another training, another hospital "
    "or other experts. Many intervals are shown, and none is corrected for their number.",
    "Maps say what the networks used, not what they should have used, and not why a brain does "
    "what it does.",
)


def _rows(params: BaseModel, prefix: str) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each parameter, groups opened."""
    rows = []
    for name, field in type(params).model_fields.items():
        value, full = getattr(params, name), f"{prefix}.{name}"
        if isinstance(value, BaseModel):
            rows += _rows(value, full)
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            shown = "null" if shown is None else str(shown)
            rows.append((f"`{full}`", shown, field.description or ""))
    return rows


def _parameters(name: str, params: BaseModel) -> Block:
    rows = _rows(params, name)
    caption = f"Parameters of `{name}` as they stood when this report was written."
    table = Table(caption, ("parameter", "value", "meaning"), rows)
    return Folded(f"Parameters: {name} ({len(rows)})", [table])


def _tell_waveforms(ensemble: dict[str, Any]) -> list[Block]:
    """What networks of the EEG itself are fed with, whatever the parameters below."""
    if not any(one["input"] == "waveform" for one in ensemble["networks"]):
        return []
    record = record_of(ensemble, "waveform")
    cleaning, waveform = cleaning_of(record), WaveformParams.of_ensemble(record)
    how = joined([f"`{name}` {'null' if x is None else x}" for name, x in cleaning.items()])
    return [
        Paragraph(
            f"Networks that see waveforms are fed with the middle {waveform.seconds:g} s of each "
            f"window at {waveform.sampling_rate:g} Hz, cleaned as when they were trained: {how}."
        )
    ]


def _tell_networks(ensemble: dict[str, Any]) -> list[Block]:
    networks = ensemble["networks"]
    architectures = sorted({network["architecture"] for network in networks})
    caption = (
        "The networks, and the loss of each, with the weights that are kept, on the fold that it "
        "was not trained on (nats)."
    )
    folds = {network["fold"] for network in networks}
    on_all = (
        " Networks of the fold all were trained on all patients: they read new recordings, and "
        "no score says how well."
        if ALL_FOLDS in folds
        else ""
    )
    rows = [
        (f"`{one['name']}`", one["architecture"], one["input"], number(one["val_loss"]))
        for one in networks
    ]
    header = ("network", "architecture", "sees", "validation loss")
    return [
        Paragraph(
            f"Predictions are joined from {counted(len(networks), 'network')}, of "
            f"{', '.join(architectures)}, in {counted(len(folds - {ALL_FOLDS}), 'fold')} "
            f"of patients.{on_all}"
        ),
        *_tell_waveforms(ensemble),
        Folded("The networks", [Table(caption, header, rows, frozenset({3}))]),
    ]


def _versions() -> Block:
    rows = [("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            continue
    caption = f"Packages of the machine that wrote this report ({platform.system()})."
    return Folded("Package versions", [Table(caption, ("package", "version"), rows)])


def tell_provenance(
    params: ReportingParams,
    recipe: str,
    eda: EdaParams,
    spectrogram: SpectrogramParams,
    modeling: ModelingParams,
    evaluation: EvaluationParams,
    explainability: ExplainabilityParams,
    ensemble: dict[str, Any] | None,
) -> Section:
    """Tell how the run was made, and what it is not.

    Args:
        params: what the report shows.
        recipe: name of the recipe.
        eda: parameters of that pipeline; so are the next four.
        spectrogram: see there.
        modeling: see there.
        evaluation: see there.
        explainability: see there.
        ensemble: the networks and what they are fed with.
    """
    groups = {
        "spectrogram": spectrogram,
        "modeling": modeling,
        "evaluation": evaluation,
        "explainability": explainability,
        "eda": eda,
    }
    others = ensemble is not None and not is_trained_by(modeling, ensemble)
    blocks = [
        Paragraph(
            f"Recipe `{recipe}`. Raw data: `{params.raw_dir}`. What was made from it: "
            f"`{params.data_dir}`; every table and figure of this report lies there in full."
        ),
        *keep(_tell_networks, ensemble),
        *not_made({"networks": ensemble}, "modeling")[:1],
        *([Notice(_OTHER_NETWORKS)] if others else []),
        *(_parameters(name, group) for name, group in groups.items()),
        _versions(),
        Heading("Limits"),
        *map(Paragraph, _LIMITS),
    ]
    return Section("provenance", "How it was made", blocks)


def write_report(params: ReportingParams, *sections: Section) -> str:
    """Join sections to one page of HTML, in their order; those without blocks are left out."""
    now = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    document = Document(
        title="Harmful brain activity classification",
        subtitle=f"Report of a run on `{params.raw_dir}`, written on {now} by hbac "
        f"{version('hbac')}. Research; not a medical device.",
        sections=[section for section in sections if section.blocks],
        footer="Written by `kedro run --pipeline reporting`. Everything that is shown here is in "
        "this one file; nothing is loaded from elsewhere.",
    )
    return render(document)
