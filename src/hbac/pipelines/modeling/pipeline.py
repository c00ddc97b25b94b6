"""Wiring of the pipeline ``modeling``.

Each fold is a namespace, ``fold_0``, ``fold_1`` ..., and in it each architecture is one.
"""

from collections.abc import Sequence
from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.models.inputs import INPUTS
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
    learn_blend,
    plot_training_curves,
    predict_band_power,
    split_folds,
)
from hbac.pipelines.modeling.training_nodes import train_fold

_INPUT_DATASETS = {"picture": "model_input", "waveform": "waveform_input"}

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


def _train(fold: str, architecture: str) -> Pipeline:
    data = _INPUT_DATASETS[INPUTS[architecture]]
    node = Node(
        update_wrapper(partial(train_fold, architecture=architecture), train_fold),
        [data, "split", "checkpoint", "params:modeling"],
        ["model", "history", "predictions"],
        tags="training",
        name="train_fold",
    )
    return pipeline(
        [node],
        namespace=f"{fold}.{architecture}",
        inputs={data: data, "split": f"{fold}_split"},
        outputs={name: f"{fold}_{architecture}_{name}" for name in ("history", "predictions")},
        parameters="modeling",
    )


def _collect(networks: list[str]) -> Pipeline:
    return Pipeline(
        [
            Node(
                collect_history,
                [f"{network}_history" for network in networks],
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
                [f"{network}_predictions" for network in networks],
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


def create_training(n_folds: int, architectures: Sequence[str]) -> Pipeline:
    """What networks see, and its windows, to networks, what they predict, and their ensemble.

    Args:
        n_folds: number of folds; must equal the parameter ``modeling.n_folds``.
        architectures: those of the parameter ``modeling.network.architecture``.
    """
    folds = [f"fold_{number}" for number in range(n_folds)]
    networks = [(fold, name) for name in architectures for fold in folds]
    training = sum((_train(*network) for network in networks), Pipeline([_split(folds)]))
    return training + _collect(["_".join(network) for network in networks])


def create_pipeline(n_folds: int, architectures: Sequence[str]) -> Pipeline:
    """Windows and spectrograms to models and out-of-fold predictions; see ``create_training``."""
    return Pipeline(
        _prepare() + create_training(n_folds, architectures) + _predict(),
        namespace="modeling",
        prefix_datasets_with_namespace=False,
    )
