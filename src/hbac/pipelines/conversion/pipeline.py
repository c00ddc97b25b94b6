"""Wiring of the pipeline ``conversion``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.conversion.nodes import convert_labelled_spectrograms, convert_spectrograms


def create_pipeline(*, labelled: bool = True) -> Pipeline:
    """Parquet spectrograms to npy.

    Args:
        labelled: whether a spectrogram that the label table names must be there; of recordings
            that are to be predicted any may be missing.
    """
    convert = convert_labelled_spectrograms if labelled else convert_spectrograms
    labels = ["train_labels"] if labelled else []
    return Pipeline(
        [
            Node(
                convert,
                ["train_spectrograms", *labels],
                "spectrogram_arrays",
                name="convert_spectrograms",
            )
        ],
        namespace="conversion",
        prefix_datasets_with_namespace=False,
    )
