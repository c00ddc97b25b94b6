"""Raw EEG in, shares of the six classes out: an ensemble with all that its record says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import joblib
import numpy as np

from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.votes import CLASSES
from hbac.models.ensemble import predict_with_networks
from hbac.models.preprocessing import (
    kind_of,
    kinds_seen,
    mirrors_of,
    picture_layout,
    record_of,
    waveforms_of,
    window_panels,
    window_picture,
    window_waveforms,
)
from hbac.models.reference import check_reference

WINDOW_SAMPLES = WINDOW_SECONDS * SAMPLING_RATE
"""Samples of one window."""

_BATCH_SIZE = 32

_AT_ONCE = 256
"""Windows whose pictures and waveforms are held at once."""


def _check_windows(eeg: np.ndarray) -> np.ndarray:
    eeg = np.asarray(eeg)
    if eeg.ndim != 3 or eeg.shape[1:] != (len(CHANNELS), WINDOW_SAMPLES):
        raise ValueError(
            f"eeg must have shape (windows, {len(CHANNELS)}, {WINDOW_SAMPLES}): channels as "
            f"{', '.join(CHANNELS)}, {WINDOW_SECONDS} s at {SAMPLING_RATE} Hz; "
            f"received {eeg.shape}"
        )
    if eeg.dtype.kind not in "fiu":
        raise ValueError(f"eeg must be numbers, in microvolts, received {eeg.dtype}")
    if np.isinf(eeg).any():
        raise ValueError("eeg must be finite, or NaN where it is missing, received infinity")
    return eeg


class EEGEnsemble:
    """The networks of an ensemble, fed with EEG as it is.

    How windows are cleaned and laid out is what the record says, and the reference windows that
    it describes are made again first. EEG spectrograms are taken in half precision, as the
    pipelines store them.

    Args:
        record: what ``modeling`` leaves beside the networks, ``ensemble.json``.
        networks: by name, a callable that loads the Keras model; each is called once.

    Attributes:
        record: as given.
        networks: by name, a callable that returns the model.
        kinds: names of what the networks see.

    Raises:
        ValueError: if a network of the record is missing, or the code makes other pictures or
            waveforms than those that the networks were trained on.
    """

    def __init__(self, record: Mapping[str, Any], networks: Mapping[str, Callable[[], Any]]):
        missing = [one["name"] for one in record["networks"] if one["name"] not in networks]
        if missing:
            raise ValueError(f"the ensemble names {missing}, it is given {sorted(networks)}")
        self.record = record
        self.kinds = kinds_seen(record)
        for name in self.kinds:
            check_reference(kind_of(name), record_of(record, name))
        self.networks = {one["name"]: cache(networks[one["name"]]) for one in record["networks"]}

    def _lay_out(self, name: str, window: Recording, power: np.ndarray | None) -> np.ndarray:
        record = record_of(self.record, name)
        if kind_of(name) == "waveform":
            return window_waveforms(window, *waveforms_of(record))
        return window_picture(
            power, window_panels(window, record["spectrogram"]), picture_layout(record)
        )

    def _see(self, window: Recording, power: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """What networks see of one window, whose 10 minutes have some regional power or none."""
        return {name: self._lay_out(name, window, power) for name in self.kinds}

    def _predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        n_windows = len(next(iter(inputs.values())))
        return predict_with_networks(
            self.networks,
            inputs,
            self.record,
            mirrors_of(self.record),
            # Two sizes alone, since each is another graph to TensorFlow.
            batch_size=1 if n_windows == 1 else _BATCH_SIZE,
        )

    def _seen_parts(self, eeg: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """What networks see, so many windows at once."""
        with ThreadPoolExecutor(joblib.cpu_count()) as threads:
            for first in range(0, len(eeg), _AT_ONCE):
                windows = [Recording(one, CHANNELS) for one in eeg[first : first + _AT_ONCE]]
                seen = [*threads.map(self._see, windows)]
                yield {name: np.stack([one[name] for one in seen]) for name in self.kinds}

    def predict_windows(self, eeg: np.ndarray) -> np.ndarray:
        """Predict the classes of windows, each alone.

        Networks that see the 10 minutes around a window are shown that these are missing, as
        ``inference`` does with a recording of 50 s.

        Args:
            eeg: microvolts at 200 Hz, shape ``(windows, 20, 10000)``, channels in the order of
                ``hbac.eeg.CHANNELS``, NaN where missing.

        Returns:
            Shape ``(windows, 6)``, rows sum to 1; the class prior of the training for a window of
            which nothing is there.

        Raises:
            ValueError: if the shape is another, or a value is no number or infinite.
        """
        eeg = _check_windows(eeg)
        parts = [self._predict(inputs) for inputs in self._seen_parts(eeg)]
        return np.concatenate(parts) if parts else np.empty((0, len(CLASSES)))
