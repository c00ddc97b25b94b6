"""Wiring of the pipeline ``spectrogram``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms, select_windows


def create_pipeline() -> Pipeline:
    """EEG and labels to windows and their log-mel spectrograms."""
    return Pipeline(
        [
            Node(
                select_windows,
                ["train_labels", "params:spectrogram"],
                "windows",
                name="select_windows",
            ),
            Node(
                compute_eeg_spectrograms,
                ["train_eegs", "windows", "params:spectrogram"],
                "eeg_spectrograms",
                name="compute_eeg_spectrograms",
            ),
        ],
        namespace="spectrogram",
        prefix_datasets_with_namespace=False,
    )
