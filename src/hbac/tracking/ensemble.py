"""The whole ensemble as one registered model, with all that is needed to use it elsewhere."""

from __future__ import annotations

import json
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
from mlflow.types import ColSpec, Schema, TensorSpec

import hbac
from hbac.tracking.current import Run

REGISTERED_MODEL = "hbac"

PACKAGES = (
    *("joblib", "keras", "lazy-loader", "librosa", "numba", "numpy", "pandas", "pillow"),
    *("PyWavelets", "scipy"),
)
"""What the code that is stored beside the networks imports, but for the backend."""


def _signature(example: Mapping[str, np.ndarray], classes: list[str]) -> ModelSignature:
    inputs = [TensorSpec(rows.dtype, (-1, *rows.shape[1:]), name) for name, rows in example.items()]
    return ModelSignature(Schema(inputs), Schema([ColSpec("double", name) for name in classes]))


def _collect(record: Mapping[str, Any], networks: Mapping[str, Any], folder: Path) -> None:
    """Copy the networks' files and the record into a folder."""
    folder.mkdir()
    (folder / "ensemble.json").write_text(json.dumps(record, indent=2))
    for entry in record["networks"]:
        networks[entry["name"]].fetch(str(folder / f"{entry['name']}.keras"))


def _save(
    record: Mapping[str, Any],
    networks: Mapping[str, Any],
    example: Mapping[str, np.ndarray],
    description: Model,
    folder: Path,
) -> Path:
    """Write the model, as MLflow lays one out, into a new folder."""
    backend = keras.backend.backend()
    _collect(record, networks, folder / "networks")
    mlflow.pyfunc.save_model(
        path=str(folder / "model"),
        mlflow_model=description,
        python_model=str(Path(__file__).with_name("predictor.py")),
        artifacts={"networks": str(folder / "networks")},
        code_paths=[str(Path(hbac.__file__).parent)],
        signature=_signature(example, record["classes"]),
        input_example=dict(example),
        model_config={"keras_backend": backend},
        pip_requirements=[f"{name}=={version(name)}" for name in (*PACKAGES, backend)],
    )
    return folder / "model"


def register_ensemble(
    run: Run,
    record: Mapping[str, Any],
    *,
    networks: Mapping[str, Any],
    example: Mapping[str, np.ndarray],
    tags: Mapping[str, str],
) -> ModelVersion:
    """Log the ensemble to a run and register it as a new version of ``hbac``.

    ``mlflow.pyfunc.log_model`` is not used: it would predict with every network once, and copy
    the load of the machine to the model's metrics.

    Args:
        run: the parent run.
        record: the record that ``modeling`` leaves beside the networks.
        networks: by name, the dataset of one file that holds the network.
        example: what the networks see of one window, by the names in the record.
        tags: of the version, beside ``architecture``.

    Returns:
        The new version.
    """
    client, info = run.client, run.client.get_run(run.run_id)
    architectures = dict.fromkeys(entry["architecture"] for entry in record["networks"])
    tags = {"architecture": "+".join(architectures), **tags}
    model = client.create_logged_model(
        info.info.experiment_id, "ensemble", run.run_id, tags, info.data.params
    )
    client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
    description = Model(model.artifact_location, run.run_id, model_id=model.model_id)
    with tempfile.TemporaryDirectory() as folder:
        saved = _save(record, networks, example, description, Path(folder))
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, "READY")
    return mlflow.register_model(
        f"models:/{model.model_id}", REGISTERED_MODEL, await_registration_for=0, tags=tags
    )
