"""The whole ensemble as one registered model, with all that is needed to use it elsewhere."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import mlflow.pyfunc
import numpy as np
from mlflow.entities import LoggedModelOutput
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

import hbac
from hbac.datasets import KerasModelDataset, RecordDataset
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.models.eeg_ensemble import TIMELINE_COLUMNS
from hbac.models.reference import reference_recording
from hbac.shipped import pretrained_dir
from hbac.tracking.current import Run
from hbac.tracking.request import EDF, EEG, LARGEST_MB, MOST_WINDOWS, WINDOW_SHAPE

REGISTERED_MODEL = "hbac"

PACKAGES = (
    *("joblib", "keras", "lazy-loader", "librosa", "mne", "numba", "numpy", "pandas", "pillow"),
    *("pyarrow", "PyWavelets", "scipy", "threadpoolctl"),
)
"""What the code that is stored beside the networks imports, but for the backend."""

_OF_ANOTHER_TYPE = {
    "predicted_class": "string",
    "usable_channels": "long",
    "reason": "string",
}
"""Columns of a timeline that are no numbers with a fraction."""

SIGNATURE = ModelSignature(
    inputs=Schema(
        [ColSpec(AnyType(), EEG, required=False), ColSpec("string", EDF, required=False)]
    ),
    outputs=Schema(
        [
            ColSpec(_OF_ANOTHER_TYPE.get(name, "double"), name, name in PREDICTION_COLUMNS)
            for name in TIMELINE_COLUMNS
        ]
    ),
    params=ParamSchema([ParamSpec("step_seconds", "long", 10)]),
)
"""Windows have no type of their own: MLflow's would refuse whole numbers and what is missing."""


def _architectures(record: Mapping[str, Any]) -> list[str]:
    """Each once, in the order of the blend's weights."""
    return list(dict.fromkeys(entry["architecture"] for entry in record["networks"]))


def _joining(record: Mapping[str, Any]) -> str:
    """How the runs of an ensemble are joined, in words."""
    blend = record["blend"]
    weights = ", ".join(
        f"{weight:.2f} of {name}"
        for name, weight in zip(record["members"], blend["weights"], strict=True)
    )
    return (
        f"in each fold a {blend['pool']} pool of runs ({weights}), each joined by the blend that "
        "ensemble.json has of it, all fitted on windows that the networks had not seen; then the "
        "mean of the folds; no temperature is applied"
    )


def _calibration(record: Mapping[str, Any]) -> str:
    """What is done to the networks' probabilities, in words."""
    if "members" in record:
        return _joining(record)
    blend, names = record["blend"], _architectures(record)
    if len(names) == 1 and not any(blend["bias"]):
        return "none: the mean of the folds' probabilities, to which no temperature is applied"
    weights = ", ".join(
        f"{weight:.2f} of {name}" for name, weight in zip(names, blend["weights"], strict=True)
    )
    return (
        f"log probabilities are added by weight ({weights}), with a bias a class (blend.bias of "
        "ensemble.json), both fitted on windows that the networks had not seen; then the mean of "
        "the folds; no temperature is applied"
    )


def describe(record: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the model takes and gives, which its signature has no room for.

    Args:
        record: the record that ``modeling`` leaves beside the networks.

    Returns:
        The model's metadata in MLflow.
    """
    channels, samples = WINDOW_SHAPE
    return {
        EEG: f"windows of EEG, shape (windows, {channels}, {samples}): microvolts at "
        f"{SAMPLING_RATE} Hz, {WINDOW_SECONDS} s each; a sample that is missing is null",
        EDF: "a recording as base64 of its file",
        "step_seconds": "from one prediction of a recording to the next",
        "channels": list(CHANNELS),
        "unit": "microvolts",
        "sampling_rate": SAMPLING_RATE,
        "classes": list(record["classes"]),
        "calibration": _calibration(record),
    }


def _example() -> dict[str, Any]:
    """A window of nobody's EEG, in whole microvolts, as a client sends it."""
    whole = reference_recording()
    window = whole.crop((whole.duration - WINDOW_SECONDS) / 2, WINDOW_SECONDS).data
    return {EEG: [np.where(np.isnan(window), None, np.round(window)).tolist()]}


def _collect(record: Mapping[str, Any], networks: Mapping[str, Any], folder: Path) -> None:
    """Copy the networks' files and the record into a folder."""
    folder.mkdir()
    (folder / "ensemble.json").write_text(json.dumps(record, indent=2))
    for entry in record["networks"]:
        networks[entry["name"]].fetch(str(folder / f"{entry['name']}.keras"))


def _copy_code(folder: Path) -> Path:
    """Copy the package without the networks that ship with it."""
    left_out = shutil.ignore_patterns(pretrained_dir().name, "__pycache__")
    return shutil.copytree(Path(hbac.__file__).parent, folder / "hbac", ignore=left_out)


def _save(
    record: Mapping[str, Any], networks: Mapping[str, Any], description: Model, path: Path
) -> None:
    """Write the model, as MLflow lays one out, into a new folder."""
    backend = keras.backend.backend()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _collect(record, networks, folder / "networks")
        mlflow.pyfunc.save_model(
            path=str(path),
            mlflow_model=description,
            python_model=str(Path(__file__).with_name("predictor.py")),
            artifacts={"networks": str(folder / "networks")},
            code_paths=[str(_copy_code(folder))],
            signature=SIGNATURE,
            metadata=describe(record),
            input_example=_example(),
            model_config={
                "keras_backend": backend,
                "most_windows": MOST_WINDOWS,
                "largest_mb": LARGEST_MB,
            },
            pip_requirements=[f"{name}=={version(name)}" for name in (*PACKAGES, backend)],
        )


def save_ensemble(models_dir: Path, path: Path) -> None:
    """Write the ensemble of a folder as one model that MLflow serves, without a run.

    Args:
        models_dir: holds ``ensemble.json`` and the networks, as ``06_models`` or
            ``hbac.shipped.pretrained_dir()`` do.
        path: a folder that is not there yet, which becomes the model.
    """
    file = RecordDataset(filepath=str(models_dir / "ensemble.json"), needs=["networks", "blend"])
    record = file.load()
    networks = {
        entry["name"]: KerasModelDataset(filepath=str(models_dir / f"{entry['name']}.keras"))
        for entry in record["networks"]
    }
    _save(record, networks, Model(), path)


def register_ensemble(
    run: Run,
    record: Mapping[str, Any],
    *,
    networks: Mapping[str, Any],
    tags: Mapping[str, str],
) -> ModelVersion:
    """Log the ensemble to a run and register it as a new version of ``hbac``.

    ``mlflow.pyfunc.log_model`` is not used: it would predict with every network once, and copy
    the load of the machine to the model's metrics.

    Args:
        run: the parent run.
        record: the record that ``modeling`` leaves beside the networks.
        networks: by name, the dataset of one file that holds the network.
        tags: of the version, beside ``architecture``.

    Returns:
        The new version.
    """
    client, info = run.client, run.client.get_run(run.run_id)
    tags = {"architecture": "+".join(_architectures(record)), **tags}
    model = client.create_logged_model(
        info.info.experiment_id, "ensemble", run.run_id, tags, info.data.params
    )
    client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
    description = Model(model.artifact_location, run.run_id, model_id=model.model_id)
    with tempfile.TemporaryDirectory() as folder:
        _save(record, networks, description, Path(folder, "model"))
        client.log_model_artifacts(model.model_id, str(Path(folder, "model")))
    client.finalize_logged_model(model.model_id, "READY")
    registered = mlflow.register_model(
        f"models:/{model.model_id}", REGISTERED_MODEL, await_registration_for=0, tags=tags
    )
    told = "\n".join(f"- {name}: {what}" for name, what in describe(record).items())
    client.update_model_version(registered.name, registered.version, told)
    return registered
