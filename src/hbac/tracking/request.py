"""What a client sends to the served ensemble: windows of EEG, or a recording."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from hbac.eeg.montage import chain_differences
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.formats.units import typical_deviation

EEG, EDF = "eeg", "edf"
"""The two inputs, of which a request holds one."""

WINDOW_SHAPE = (len(CHANNELS), round(WINDOW_SECONDS * SAMPLING_RATE))

MOST_WINDOWS = 16
"""In a request of JSON, where each takes up to 4 MB of text."""

LARGEST_MB = 48
"""Of a recording, which is 64 MB of base64: an hour and a half of 20 channels at 200 Hz."""

PLAUSIBLE_MICROVOLTS = (0.1, 3000.0)
"""How far bipolar channels deviate from their level within a second. The first is less than the
noise of an amplifier. The second is more than artefacts make; EEG deviates by 4 to 30."""

_UNITS = {"volts": 1e6, "millivolts": 1e3, "nanovolts": 1e-3}
_TYPICAL_MICROVOLTS = (1.0, 500.0)
_LONGEST_REASON = 200

_EXPECTED = (
    f"a window is {len(CHANNELS)} lists of {WINDOW_SHAPE[1]} numbers: microvolts of "
    f"{', '.join(CHANNELS)}, {WINDOW_SECONDS:g} s at {SAMPLING_RATE} Hz"
)


class RequestError(MlflowException):
    """A request that can't be answered, which its client is told with status 400."""

    def __init__(self, message: str):
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """What is wrong with the request."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        # MLflow sets a longer one, with the whole request in it: megabytes of somebody's EEG.
        self.__dict__.setdefault("_message", text)


def _holds_any(values: pd.Series) -> bool:
    # MLflow makes a row of an empty list.
    return any(not isinstance(value, list) or value for value in values.dropna())


def input_of(rows: pd.DataFrame) -> str:
    """Tell which of the two inputs a request holds.

    Args:
        rows: the request as MLflow hands it on.

    Raises:
        RequestError: if it is neither or both.
    """
    given = [name for name in (EEG, EDF) if name in rows and _holds_any(rows[name])]
    if len(given) != 1:
        found = "both" if given else "neither"
        raise RequestError(
            f"a request holds windows as {EEG!r} or a recording as {EDF!r}, received {found}: "
            f'send {{"inputs": {{"{EEG}": [window, ...]}}}} or {{"inputs": {{"{EDF}": "base64"}}}}'
        )
    return given[0]


def _shape(window: Any) -> str:
    """Shape of a window, or of which lengths its lists are."""
    lengths = {len(row) if isinstance(row, list) else 1 for row in window}
    if len(lengths) > 1:
        return f"{len(window)} lists of {min(lengths)} to {max(lengths)} samples"
    return f"shape {np.shape(window)}"


def _as_array(window: Any, number: int) -> np.ndarray:
    """A window as numbers, whatever its shape."""
    try:
        with np.errstate(over="ignore"):
            return np.asarray(window, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        wrong = f"it can't be read as numbers ({str(error)[:_LONGEST_REASON]})"
        if "inhomogeneous" in str(error):
            wrong = f"it has {_shape(window)}"
        raise RequestError(f"window {number}: {wrong}; {_EXPECTED}") from error


def _check_finite(window: Any, array: np.ndarray, number: int) -> None:
    """Refuse infinite numbers; and NaN in lists, where what is missing is None."""
    refused = np.isinf(array)
    lists = [row for row in window if isinstance(row, list)]
    if len(lists) == len(window) and np.isnan(array).sum() > sum(row.count(None) for row in lists):
        refused = ~np.isfinite(array) & np.not_equal(np.array(window, dtype=object), None)
    if refused.any():
        channel, sample = np.argwhere(refused)[0]
        raise RequestError(
            f"window {number}: {CHANNELS[channel]} holds {array[channel, sample]} at sample "
            f"{sample}; a sample that is missing is null in JSON, None in a list, and NaN in "
            "arrays alone"
        )


def _read_window(window: Any, number: int) -> np.ndarray:
    if isinstance(window, list):
        window = [[None] * WINDOW_SHAPE[1] if row is None else row for row in window]
    array = _as_array(window, number)
    if array.shape != WINDOW_SHAPE:
        raise RequestError(f"window {number}: it has shape {array.shape}; {_EXPECTED}")
    _check_finite(window, array, number)
    return array


def _deviation(window: np.ndarray) -> float:
    """How far typical bipolar channels of a window go from their level; 0 where all are flat."""
    pairs = chain_differences(Recording(window, CHANNELS)).reshape(-1, window.shape[1])
    there = ~np.isnan(pairs).all(axis=1)
    return typical_deviation(pairs[there], sampling_rate=SAMPLING_RATE) if there.any() else 0.0


def check_unit(eeg: np.ndarray) -> None:
    """Refuse numbers that can't be microvolts of EEG.

    A common reference cancels in bipolar channels, and with it most of the mains. What is flat or
    missing tells nothing of the unit, and is no error.

    Args:
        eeg: windows, shape ``(windows, channels, samples)``.

    Raises:
        RequestError: with what was measured, and the unit that it may be.
    """
    deviations = [deviation for window in eeg if (deviation := _deviation(window)) > 0]
    least, most = PLAUSIBLE_MICROVOLTS
    if not deviations or least <= (deviation := float(np.median(deviations))) <= most:
        return
    low, high = _TYPICAL_MICROVOLTS
    unit = next((name for name, per in _UNITS.items() if low <= deviation * per < high), None)
    guess = f", which may be {unit}: multiply by {_UNITS[unit]:g}" if unit else ""
    raise RequestError(
        "the EEG must be in microvolts; between neighbouring electrodes this deviates by "
        f"{deviation:.3g}, expected {least:g} to {most:g}{guess}"
    )


def read_windows(windows: Sequence[Any], *, most: int) -> np.ndarray:
    """Read the windows of a request.

    Args:
        windows: each ``(20, 10000)``, channels in the order of ``hbac.eeg.CHANNELS``, in
            microvolts at 200 Hz: lists, as JSON holds them, with None where a sample or a channel
            is missing; or arrays, with NaN.
        most: how many may be lists.

    Returns:
        Shape ``(windows, 20, 10000)``, float32; NaN where missing.

    Raises:
        RequestError: if there are too many, or one has another shape, holds what is no number, or
            can't be in microvolts.
    """
    read = []
    for number, window in enumerate(windows):
        if number == most and isinstance(window, list):
            raise RequestError(
                f"a request takes {most} windows at most, received {len(windows)}: send them in "
                "parts"
            )
        read.append(_read_window(window, number))
    eeg = np.stack(read)
    check_unit(eeg)
    return eeg


def write_recording(recordings: Sequence[Any], folder: Path, *, largest_mb: float) -> Path:
    """Write the recording of a request to a file.

    Args:
        recordings: one, as base64 of a file.
        folder: where the file goes.
        largest_mb: how large it may be, in megabytes.

    Returns:
        The file, whose name says nothing.

    Raises:
        RequestError: if there are several, it is too large, or it is no base64.
    """
    if len(recordings) != 1 or not isinstance(recordings[0], str):
        found = ", ".join(type(recording).__name__ for recording in recordings[:5])
        raise RequestError(
            f"a request takes one recording as a string of base64, received {len(recordings)}: "
            f"{found}"
        )
    (text,) = recordings
    size = len(text) * 3 / 4e6
    if size > largest_mb:
        raise RequestError(
            f"a recording may have {largest_mb:g} MB, received {size:.0f} MB: read it by the "
            "pipeline recordings, or send it in parts"
        )
    file = folder / "recording.edf"
    try:
        file.write_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"the recording is no base64 of a file: {error}") from error
    return file
