"""Wiring of the pipeline ``spectrogram``."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.spectrogram.feature_nodes import compute_eeg_features
from hbac.pipelines.spectrogram.nodes import select_training_windows, select_windows


def create_pipeline(
    compute: Callable[..., Any] = compute_eeg_features,
    seen: str = "params:seen",
    *,
    trained: bool = True,
    shipped: bool = False,
) -> Pipeline:
    """EEG and labels to windows and their log-mel spectrograms.

    Args:
        compute: makes these, and all else that is made of an EEG.
        seen: name of what tells it what networks see.
        trained: whether networks are trained on them, which may learn from windows without votes.
        shipped: whether it makes what the package's networks see, too.
    """
    files = ["train_eegs", "windows", "train_spectrograms"]
    told = ["params:spectrogram", seen, *(["shipped.ensemble"] if shipped else [])]
    select = select_training_windows if trained else select_windows
    unlabelled = ["unlabelled_labels"] if trained else []
    return Pipeline(
        [
            Node(
                select,
                ["train_labels", *unlabelled, "params:spectrogram"],
                "windows",
                name="select_windows",
            ),
            Node(compute, [*files, *told], "eeg_spectrograms", name=compute.__name__),
        ],
        namespace="spectrogram",
        prefix_datasets_with_namespace=False,
    )
