"""The ensemble as MLflow loads it.

MLflow stores this very file and runs it when the model is loaded: nothing is unpickled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from hbac import models
from hbac.models.waveform import mirror_waveforms

_BATCH_SIZE = 32


class EnsemblePredictor:
    """All networks of a run, and how they are joined."""

    def load_context(self, context: Any) -> None:
        """Load the networks and the record beside them."""
        # Before Keras is imported: only the backend that was trained with is sure to be there.
        os.environ.setdefault("KERAS_BACKEND", context.model_config["keras_backend"])
        from keras.saving import load_model

        folder = Path(context.artifacts["networks"])
        self._record = json.loads((folder / "ensemble.json").read_text())
        self._networks = {
            entry["name"]: load_model(folder / f"{entry['name']}.keras", compile=False)
            for entry in self._record["networks"]
        }

    def _mirrors(self, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
        mirrors = {"waveform": mirror_waveforms}
        if "picture" in inputs:
            image, size = self._record["image"], inputs["picture"].shape[1:]
            chosen = {name: image[name] for name in ("fit", "normalisation", "eeg_order")}
            layout = models.ImageLayout(tuple(image["sources"]), size=size, **chosen)
            mirrors["picture"] = layout.mirror
        return mirrors

    def predict(self, context, model_input, params=None) -> pd.DataFrame:
        """Predict the six classes.

        Args:
            context: unused.
            model_input: ``picture`` and ``waveform``, as far as the networks see them; a row a
                window.
            params: unused.

        Returns:
            A row a window, a column a class; rows sum to 1.
        """
        n_windows = len(next(iter(model_input.values())))
        shares = models.predict_with_networks(
            {name: lambda network=network: network for name, network in self._networks.items()},
            model_input,
            self._record,
            self._mirrors(model_input),
            # Two sizes alone, since each is another graph to TensorFlow.
            batch_size=1 if n_windows == 1 else _BATCH_SIZE,
        )
        return pd.DataFrame(shares, columns=self._record["classes"])


class Served(EnsemblePredictor, mlflow.pyfunc.PythonModel):
    """The same to MLflow, which would ask for type hints, but knows none for tensors by name."""


mlflow.models.set_model(Served())
