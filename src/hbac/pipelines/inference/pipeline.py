"""Wiring of the pipeline ``inference``: conversion and spectrogram again, on the test data."""

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.pipelines import conversion, spectrogram
from hbac.pipelines.evaluation.brief import score_briefly
from hbac.pipelines.evaluation.nodes import check_predictions, resample_patients
from hbac.pipelines.inference.nodes import (
    assemble_inference_inputs,
    assemble_inference_waveforms,
    assemble_other_inputs,
    compute_inference_features,
    predict_with_ensemble,
    write_submission,
)
from hbac.pipelines.modeling.input_nodes import locate_spectrograms, set_windows_aside

_RAW = {f"train_{what}": f"test_{what}" for what in ("labels", "eegs", "spectrograms")}
_SHARED = {
    name: name for name in ("ensemble", "shipped.ensemble", "models", "predictions", "submission")
}


def _assembling() -> list[Node]:
    """Windows of the test data to what networks see of them."""
    files = ["train_eegs", "spectrogram_arrays", "eeg_spectrograms"]
    return [
        Node(
            locate_spectrograms,
            ["windows", *files, "spectrogram_failures"],
            ["located_windows", "misplaced_windows"],
            name="locate_spectrograms",
        ),
        Node(
            assemble_inference_inputs,
            [
                *("located_windows", *files, "windows", "eeg_waveforms", "eeg_regional"),
                *("ensemble", "params:spectrogram"),
            ],
            "assembled_inputs",
            name="assemble_inference_inputs",
        ),
        Node(
            set_windows_aside,
            ["located_windows", "misplaced_windows", "assembled_inputs", "assembly_failures"],
            ["model_windows", "window_failures", "model_input", "waveform_input"],
            name="set_windows_aside",
        ),
        Node(
            assemble_other_inputs,
            ["model_windows", "train_eegs", "spectrogram_arrays", "ensemble"],
            "other_inputs",
            name="assemble_other_inputs",
        ),
    ]


def _predicting() -> list[Node]:
    """What they see to predictions."""
    return [
        Node(
            predict_with_ensemble,
            [
                *("model_input", "waveform_input", "model_windows"),
                *("models", "ensemble", "params:inference", "other_inputs"),
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


def _compute_features(*, shipped: bool = False) -> Pipeline:
    """Labels and EEG to windows and what trained networks see of them."""
    return spectrogram.create_pipeline(
        compute_inference_features, "ensemble", trained=False, shipped=shipped
    )


def create_labelled_pipeline() -> Pipeline:
    """Trained networks on a labelled data set, whose spectrogram files are converted."""
    return _compute_features() + _group(Pipeline([*_assembling(), *_predicting()]))


def _predict_shipped(prefix: str, eegs: str) -> list[Node]:
    """What the networks that ship with the package make of a split."""
    windows, made = f"{prefix}model_windows", f"shipped.{prefix}waveform_input"
    stored = [f"{prefix}windows", f"shipped.{prefix}eeg_waveforms"]
    name = prefix.replace(".", "_")
    return [
        Node(
            assemble_inference_waveforms,
            [windows, eegs, "shipped.ensemble", *stored],
            made,
            name=f"assemble_{name}waveforms",
        ),
        Node(
            predict_with_ensemble,
            [
                *(f"{prefix}model_input", made, windows),
                *("shipped.models", "shipped.ensemble", "params:inference"),
            ],
            f"shipped.{prefix}predictions",
            name=f"predict_{name}windows",
        ),
    ]


def create_shipped_pipeline() -> Pipeline:
    """The networks that ship with the package on both splits of a data set, and how they do."""
    scored = "shipped.scored_predictions"
    nodes = [
        *_predict_shipped("", "train_eegs"),
        *_predict_shipped("test.", "test_eegs"),
        Node(check_predictions, "shipped.predictions", scored, name="check_predictions"),
        Node(
            resample_patients,
            [scored, "params:evaluation"],
            "shipped.patient_bootstrap",
            name="resample_patients",
        ),
        Node(
            score_briefly,
            [scored, "shipped.patient_bootstrap"],
            "shipped.scores",
            name="score_briefly",
        ),
    ]
    return Pipeline(nodes, namespace="shipped", prefix_datasets_with_namespace=False)


def create_pipeline(*, shipped: bool = False) -> Pipeline:
    """Trained networks on ``test.csv``, from its raw files to ``submission.csv``.

    Args:
        shipped: whether what the package's networks see is made, too.
    """
    converted = conversion.create_pipeline(labelled=False)
    made = converted + _compute_features(shipped=shipped)
    steps = made + Pipeline([*_assembling(), *_predicting()])
    names = {name for name in steps.datasets() if not name.startswith("params:")}
    renamed = {name: f"test.{name}" for name in names} | _RAW | _SHARED
    return _group(
        pipeline(
            steps,
            inputs={name: renamed[name] for name in names & steps.inputs()},
            outputs={name: renamed[name] for name in names - steps.inputs()},
        )
    )
