"""The ensemble as MLflow loads it: EEG in, probabilities out.

MLflow stores this very file and runs it when the model is loaded: nothing is unpickled.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.formats import RecordingFile, UnreadableRecordingError, open_recording
from hbac.models.eeg_ensemble import EEGEnsemble, check_length
from hbac.tracking.request import EDF, EEG, RequestError, input_of, read_windows, write_recording


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Answer that a recording can't be read, which its file's name here says nothing of."""
    try:
        yield
    except UnreadableRecordingError as error:
        raise RequestError(str(error).replace(str(file), "the recording")) from error


def _open(file: Path) -> RecordingFile:
    """Open the recording of a request, if there is a window in it."""
    recording = open_recording(file)
    try:
        check_length(recording.duration)
    except ValueError as error:
        raise RequestError(f"the recording: {error}") from error
    return recording


def _with_null(table: pd.DataFrame) -> pd.DataFrame:
    """The same with None for NaN, which JSON has no word for."""
    return table.astype({name: object for name in table if table[name].isna().any()}).where(
        table.notna(), None
    )


class EnsemblePredictor:
    """All networks of a run, and all that EEG goes through before and after them."""

    def load_context(self, context: Any) -> None:
        """Load the networks and the record beside them."""
        # Before Keras is imported: only the backend that was trained with is sure to be there.
        os.environ.setdefault("KERAS_BACKEND", context.model_config["keras_backend"])
        from keras.saving import load_model

        folder = Path(context.artifacts["networks"])
        record = json.loads((folder / "ensemble.json").read_text())
        networks = {
            entry["name"]: load_model(folder / f"{entry['name']}.keras", compile=False)
            for entry in record["networks"]
        }
        # Loaded above and not when a request wants them, of which there may be many at once.
        self._ensemble = EEGEnsemble(
            record, {name: lambda network=network: network for name, network in networks.items()}
        )

    def _predict_recording(
        self, recordings: list[Any], *, largest_mb: float, step_seconds: int
    ) -> pd.DataFrame:
        if not 1 <= step_seconds <= WINDOW_SECONDS:
            raise RequestError(
                f"step_seconds must be 1 to {WINDOW_SECONDS}, received {step_seconds}"
            )
        with tempfile.TemporaryDirectory() as folder:
            file = write_recording(recordings, Path(folder), largest_mb=largest_mb)
            with _refusing(file):
                recording = _open(file)
                timeline = self._ensemble.predict_recording(recording, step_seconds=step_seconds)
        return _with_null(timeline)

    def predict(self, context, model_input, params=None) -> pd.DataFrame:
        """Predict the six classes.

        Args:
            context: of which the limits of a request.
            model_input: a column ``eeg``, a window a row, each shape ``(20, 10000)`` in
                microvolts, see ``hbac.tracking.request.read_windows``; or a column ``edf`` with
                one recording as base64.
            params: of which ``step_seconds``, where it is a recording.

        Returns:
            For windows a row each, with six columns ``seizure_pred`` ... ``other_pred`` that sum
            to 1; for a recording its timeline, a row a step.

        Raises:
            RequestError: if it is neither, or can't be read.
        """
        limits = context.model_config
        if input_of(model_input) == EDF:
            return self._predict_recording(
                model_input[EDF].tolist(),
                largest_mb=limits["largest_mb"],
                step_seconds=params["step_seconds"],
            )
        eeg = read_windows(model_input[EEG].tolist(), most=limits["most_windows"])
        shares = self._ensemble.predict_windows(eeg)
        return pd.DataFrame(shares, columns=list(PREDICTION_COLUMNS))


class Served(EnsemblePredictor, mlflow.pyfunc.PythonModel):
    """The same to MLflow, which would ask for type hints, but knows none for two inputs."""


mlflow.models.set_model(Served())
