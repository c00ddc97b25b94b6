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
_SHARED = {name: name for name in ("ensemble", "models", "predictions", "submission")}


def _predicting() -> list[Node]:
    files = ["train_eegs", "spectrogram_arrays", "eeg_spectrograms"]
    return [
        Node(
            locate_spectrograms,
            ["windows", *files, "spectrogram_failures"],
            ["model_windows", "window_failures"],
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
            ["model_windows", "train_eegs", "ensemble"],
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


def _group(pipe: Pipeline) -> Pipeline:
    return Pipeline(pipe, namespace="inference", prefix_datasets_with_namespace=False)


def create_labelled_pipeline() -> Pipeline:
    """Trained networks on a labelled data set, whose windows and spectrograms are there."""
    return _group(Pipeline(_predicting()))


def create_pipeline() -> Pipeline:
    """Trained networks on ``test.csv``, from its raw files to ``submission.csv``."""
    made = conversion.create_pipeline(labelled=False) + spectrogram.create_pipeline()
    steps = made + Pipeline(_predicting())
    names = {name for name in steps.datasets() if not name.startswith("params:")}
    renamed = {name: f"test.{name}" for name in names} | _RAW | _SHARED
    return _group(
        pipeline(
            steps,
            inputs={name: renamed[name] for name in names & steps.inputs()},
            outputs={name: renamed[name] for name in names - steps.inputs()},
        )
    )
