"""Wiring of the pipeline ``pretraining``.

Simulated recordings take the place of files, and the nodes of ``modeling`` and ``evaluation`` do
the rest; the names of all datasets begin with ``pretraining``.
"""

from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.pipelines.evaluation.brief import score_briefly
from hbac.pipelines.evaluation.pipeline import create_scoring
from hbac.pipelines.modeling.input_nodes import assemble_waveform_input
from hbac.pipelines.modeling.nodes import join_networks
from hbac.pipelines.modeling.pipeline import create_training
from hbac.pipelines.pretraining.card import write_card
from hbac.pipelines.pretraining.nodes import take_windows
from hbac.pipelines.simulation.nodes import plan_cohort, simulate_train_eegs
from hbac.pipelines.spectrogram.nodes import select_windows

PARAMETERS = "pretraining_parameters"

_CHANGED = ("simulation", "spectrogram", "modeling")


def _simulate() -> Pipeline:
    return Pipeline(
        [
            Node(
                plan_cohort,
                "params:simulation",
                ["train_labels", "test_labels", "simulated_sessions"],
                name="plan_cohort",
            ),
            Node(
                simulate_train_eegs, "simulated_sessions", "train_eegs", name="simulate_train_eegs"
            ),
            Node(
                select_windows,
                ["train_labels", "params:spectrogram"],
                "windows",
                name="select_windows",
            ),
            Node(take_windows, "windows", "model_windows", name="take_windows"),
            Node(
                assemble_waveform_input,
                ["model_windows", "train_eegs", "params:modeling", "params:spectrogram"],
                "waveform_input",
                name="assemble_waveform_input",
            ),
        ]
    )


def _describe() -> Pipeline:
    return Pipeline(
        [
            Node(
                join_networks,
                ["network_predictions", "params:modeling"],
                "oof_predictions",
                name="join_networks",
            ),
            Node(
                score_briefly,
                ["scored_predictions", "patient_bootstrap"],
                "scores",
                name="score_briefly",
            ),
            Node(
                write_card,
                ["ensemble", "scores", "params:simulation", "params:modeling"],
                "card",
                name="write_card",
            ),
        ]
    )


def create_pipeline(
    n_folds: int, names: Sequence[str], full_fit: bool = False, taught: bool = False
) -> Pipeline:
    """A plan of patients to networks that see waveforms, their scores and their card.

    Args:
        n_folds: number of folds; must equal ``modeling.n_folds`` of the pipeline's parameters.
        names: of their networks, which all see waveforms.
        full_fit: see ``create_training``.
        taught: see ``create_training``.
    """
    learning = _simulate() + create_training(n_folds, names, full_fit, taught)
    steps = learning + create_scoring() + _describe()
    changed = {f"params:{name}": f"params:{PARAMETERS}.{name}" for name in _CHANGED}
    return pipeline(
        steps,
        namespace="pretraining",
        parameters=changed | {"params:evaluation": "params:evaluation"},
    )
