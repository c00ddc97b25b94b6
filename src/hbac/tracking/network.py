"""What Keras sends to MLflow: metrics of every epoch, and the trained network."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import keras
import mlflow.keras
import numpy as np
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from hbac.tracking.current import Run, current_run


class EpochMetrics(keras.callbacks.Callback):
    """Logs each epoch's metrics to the current run; without one, it does nothing."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch's metrics as a step."""
        run = current_run()
        if run is not None and logs:
            run.log_metrics(logs, step=epoch)


def log_network(run: Run, model: keras.Model) -> None:
    """Log a network with its signature and the packages that it needs."""
    shapes = (-1, *model.input_shape[1:]), (-1, *model.output_shape[1:])
    inputs, outputs = (Schema([TensorSpec(np.dtype("float32"), shape)]) for shape in shapes)
    packages = ("keras", keras.backend.backend(), "numpy")
    Model.log(
        None,
        mlflow.keras,
        name="model",
        run_id=run.run_id,
        model=model,
        signature=ModelSignature(inputs, outputs),
        pip_requirements=[f"{package}=={version(package)}" for package in packages],
    )
