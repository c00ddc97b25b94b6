"""Wiring of the pipeline ``conversion``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.conversion.nodes import convert_spectrograms


def create_pipeline() -> Pipeline:
    """Parquet spectrograms to npy."""
    return Pipeline(
        [
            Node(
                convert_spectrograms,
                "train_spectrograms",
                "spectrogram_arrays",
                name="convert_spectrograms",
            )
        ],
        namespace="conversion",
        prefix_datasets_with_namespace=False,
    )
