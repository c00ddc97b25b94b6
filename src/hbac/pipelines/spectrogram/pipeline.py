"""Wiring of the pipeline ``spectrogram``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.modeling.feature_nodes import compute_eeg_features
from hbac.pipelines.spectrogram.nodes import select_training_windows, select_windows

_COMPUTE = Node(
    compute_eeg_features,
    ["train_eegs", "windows", "train_spectrograms", "params:spectrogram", "params:seen"],
    "eeg_spectrograms",
    name="compute_eeg_features",
)


def create_pipeline(compute: Node = _COMPUTE, *, trained: bool = True) -> Pipeline:
    """EEG and labels to windows and their log-mel spectrograms.

    Args:
        compute: what makes these, and all else that is made of an EEG.
        trained: whether networks are trained on them, which may learn from windows without votes.
    """
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
            compute,
        ],
        namespace="spectrogram",
        prefix_datasets_with_namespace=False,
    )
