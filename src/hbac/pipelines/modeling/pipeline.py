"""Wiring of the pipeline ``modeling``.

Each fold is a namespace, ``fold_0``, ``fold_1`` ..., and in it each network is one; all folds
together are ``fold_all``.
"""

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.models.inputs import INPUTS
from hbac.models.members import ALL_FOLDS
from hbac.models.seeds import architecture_of
from hbac.pipelines.modeling.input_nodes import (
    assemble_inputs,
    locate_training_spectrograms,
    set_windows_aside,
)
from hbac.pipelines.modeling.nodes import (
    collect_history,
    collect_network_predictions,
    collect_oof_predictions,
    describe_ensemble,
    join_folds,
    learn_blend,
    plot_training_curves,
    predict_band_power,
    split_folds,
)
from hbac.pipelines.modeling.training_nodes import teach, train_fold, train_on_all

_INPUT_DATASETS = {"picture": "model_input", "waveform": "waveform_input"}

_ALL = f"fold_{ALL_FOLDS}"

_SPLIT = "fold_0_split"
"""A table of windows and their folds, as every fold has."""


def _prepare() -> Pipeline:
    files = ["train_eegs", "spectrogram_arrays", "eeg_spectrograms"]
    return Pipeline(
        [
            Node(
                locate_training_spectrograms,
                ["windows", *files, "spectrogram_failures"],
                ["located_windows", "misplaced_windows"],
                name="locate_training_spectrograms",
            ),
            Node(
                assemble_inputs,
                [
                    *("located_windows", *files, "windows"),
                    *("eeg_waveforms", "eeg_band_power", "eeg_regional"),
                    *("params:modeling", "params:spectrogram"),
                ],
                "assembled_inputs",
                name="assemble_inputs",
            ),
            Node(
                set_windows_aside,
                ["located_windows", "misplaced_windows", "assembled_inputs", "assembly_failures"],
                ["model_windows", "window_failures", *_INPUT_DATASETS.values(), "band_power"],
                name="set_windows_aside",
            ),
        ]
    )


def _split(folds: list[str]) -> Node:
    return Node(
        split_folds,
        ["model_windows", "params:modeling"],
        [f"{fold}_split" for fold in folds],
        name="split_folds",
    )


def _join_folds() -> Pipeline:
    return Pipeline([Node(join_folds, _SPLIT, f"{_ALL}_split", name="join_folds")])


def _named(function: Callable[..., Any], network: str) -> Callable[..., Any]:
    return update_wrapper(partial(function, architecture=network), function)


def _of_network(
    node: Node, fold: str, network: str, made: Sequence[str], read: list[str]
) -> Pipeline:
    """A node in the namespaces of fold and network, and the datasets that others know of it."""
    data = _INPUT_DATASETS[INPUTS[architecture_of(network)]]
    return pipeline(
        [node],
        namespace=f"{fold}.{network}",
        inputs={data: data, "split": f"{fold}_split", **{name: name for name in read}},
        outputs={name: f"{fold}_{network}_{name}" for name in made},
        parameters="modeling",
    )


def _train(fold: str, network: str, teachers: list[str]) -> Pipeline:
    """Train a network; of all folds, there is nothing to predict that it has not seen."""
    function = train_on_all if fold == _ALL else train_fold
    tables = ["history"] if fold == _ALL else ["history", "predictions"]
    data = _INPUT_DATASETS[INPUTS[architecture_of(network)]]
    node = Node(
        _named(function, network),
        [data, "split", "checkpoint", "params:modeling", *teachers],
        ["model", *tables],
        tags="training",
        name=function.__name__,
    )
    return _of_network(node, fold, network, tables, teachers)


def _teach(fold: str, network: str) -> Pipeline:
    data = _INPUT_DATASETS[INPUTS[architecture_of(network)]]
    node = Node(
        _named(teach, network),
        [data, "split", "teacher_checkpoint", "params:modeling"],
        "pseudo_labels",
        name="teach",
    )
    return _of_network(node, fold, network, ["pseudo_labels"], [])


def _collect(scored: list[str], unscored: list[str]) -> Pipeline:
    return Pipeline(
        [
            Node(
                collect_history,
                [f"{network}_history" for network in scored + unscored],
                "training_history",
                name="collect_history",
            ),
            Node(
                plot_training_curves,
                "training_history",
                "training_curves",
                name="plot_training_curves",
            ),
            Node(
                collect_network_predictions,
                [f"{network}_predictions" for network in scored],
                "network_predictions",
                name="collect_network_predictions",
            ),
            Node(
                learn_blend,
                ["network_predictions", "params:modeling"],
                "blend",
                name="learn_blend",
            ),
            Node(
                describe_ensemble,
                ["training_history", "blend", _SPLIT, "params:modeling", "params:spectrogram"],
                "ensemble",
                name="describe_ensemble",
            ),
        ]
    )


def _predict() -> Pipeline:
    return Pipeline(
        [
            Node(
                predict_band_power,
                ["band_power", _SPLIT],
                "band_power_predictions",
                name="predict_band_power",
            ),
            Node(
                collect_oof_predictions,
                ["network_predictions", "band_power_predictions", "params:modeling"],
                "oof_predictions",
                name="collect_oof_predictions",
            ),
        ]
    )


def create_training(
    n_folds: int, names: Sequence[str], full_fit: bool = False, taught: bool = False
) -> Pipeline:
    """What networks see, and its windows, to networks, what they predict, and their ensemble.

    Args:
        n_folds: number of folds; must equal the parameter ``modeling.n_folds``.
        names: of each fold's networks; see ``hbac.models.seeds``.
        full_fit: whether networks are trained on all folds as well.
        taught: whether networks have teachers, which are trained on the same folds as they are.
    """
    folds = [f"fold_{number}" for number in range(n_folds)]
    training = Pipeline([_split(folds)])
    if full_fit:
        training += _join_folds()
    for fold in [*folds, _ALL] if full_fit else folds:
        teachers = [f"{fold}_{name}_pseudo_labels" for name in names] if taught else []
        training += sum((_teach(fold, name) for name in names if taught), Pipeline([]))
        training += sum((_train(fold, name, teachers) for name in names), Pipeline([]))
    scored = [f"{fold}_{name}" for name in names for fold in folds]
    unscored = [f"{_ALL}_{name}" for name in names if full_fit]
    return training + _collect(scored, unscored)


def create_pipeline(
    n_folds: int, names: Sequence[str], full_fit: bool = False, taught: bool = False
) -> Pipeline:
    """Windows and spectrograms to models and out-of-fold predictions; see ``create_training``."""
    return Pipeline(
        _prepare() + create_training(n_folds, names, full_fit, taught) + _predict(),
        namespace="modeling",
        prefix_datasets_with_namespace=False,
    )
