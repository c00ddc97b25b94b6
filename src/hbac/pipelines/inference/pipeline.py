"""Wiring of the pipeline ``inference``: conversion and spectrogram again, on the test data."""

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.pipelines import conversion, spectrogram
from hbac.pipelines.inference.nodes import (
    assemble_inference_input,
    assemble_inference_waveforms,
    predict_with_ensemble,
    write_submission,
)
from hbac.pipelines.modeling.input_nodes import locate_spectrograms

_RAW = {f"train_{what}": f"test_{what}" for what in ("labels", "eegs", "spectrograms")}


def create_labelled_pipeline() -> Pipeline:
    """Trained networks on a labelled data set, whose windows and spectrograms are there."""
    files = ["train_eegs", "spectrogram_arrays", "eeg_spectrograms"]
    return Pipeline(
        [
            Node(
                locate_spectrograms,
                ["windows", *files, "spectrogram_failures"],
                "model_windows",
                name="locate_spectrograms",
            ),
            Node(
                assemble_inference_input,
                ["model_windows", *files, "ensemble", "params:spectrogram"],
                "model_input",
                name="assemble_inference_input",
            ),
            Node(
                assemble_inference_waveforms,
                ["model_windows", "train_eegs", "ensemble", "params:spectrogram"],
                "waveform_input",
                name="assemble_inference_waveforms",
            ),
            Node(
                predict_with_ensemble,
                [
                    *("model_input", "waveform_input", "model_windows"),
                    *("models", "ensemble", "params:inference"),
                ],
                "predictions",
                name="predict_with_ensemble",
            ),
            Node(
                write_submission,
                ["predictions", "train_labels"],
                "submission",
                name="write_submission",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Trained networks on ``test.csv``, from its raw files to ``submission.csv``."""
    return pipeline(
        conversion.create_pipeline() + spectrogram.create_pipeline() + create_labelled_pipeline(),
        namespace="test",
        inputs=_RAW | {"ensemble": "ensemble", "models": "models"},
        outputs={"predictions": "predictions", "submission": "submission"},
        parameters={"spectrogram", "inference"},
    )
