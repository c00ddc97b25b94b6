"""Recordings to the probabilities of the six classes along them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from hbac import models
from hbac.eeg.regional import long_regional_spectrogram
from hbac.models.eeg_ensemble import EEGEnsemble, LongRecording, check_length
from hbac.models.preprocessing import sees_ten_minutes
from hbac.pipelines.recordings.params import ReadingParams

Recordings = Mapping[str, Callable[[], LongRecording]]
"""By id, a callable that opens a recording, or raises where it can't be read."""

_loading = threading.Lock()


def _opened(name: str, load: Callable[[], LongRecording]) -> LongRecording:
    recording = load()
    try:
        check_length(recording.duration)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return recording


def _spectrogram(load: Callable[[], LongRecording]) -> np.ndarray:
    return long_regional_spectrogram(load())


def compute_recording_spectrograms(
    recordings: Recordings, cards: pd.DataFrame
) -> dict[str, Callable[[], np.ndarray]]:
    """Compute the regional spectrogram of every recording, by the competition's recipe.

    Args:
        recordings: see ``Recordings``.
        cards: as ``describe_recordings`` returns them. What is refused there is left out, since
            the timelines' table of failures says so.

    Returns:
        By id, a callable that returns shape ``(rows of 2 s, 400)``, float32, NaN where missing;
        see ``hbac.eeg.regional.long_regional_spectrogram``.
    """
    names = cards["recording"][cards["status"] == "read"]
    return {name: partial(_spectrogram, recordings[name]) for name in names}


@lru_cache(maxsize=1)
def _made(make_ensemble: Callable[[], EEGEnsemble]) -> EEGEnsemble:
    return make_ensemble()


def _shared(make_ensemble: Callable[[], EEGEnsemble]) -> EEGEnsemble:
    """Load the networks once for all recordings that one process reads."""
    with _loading:
        return _made(make_ensemble)


def _timeline(
    name: str,
    load: Callable[[], LongRecording],
    load_spectrogram: Callable[[], np.ndarray] | None,
    make_ensemble: Callable[[], EEGEnsemble],
    how: Mapping[str, Any],
) -> pd.DataFrame:
    recording = _opened(name, load)
    regional = None if load_spectrogram is None else load_spectrogram()
    return _shared(make_ensemble).predict_recording(recording, regional=regional, **how)


def predict_timelines(
    recordings: Recordings,
    spectrograms: Mapping[str, Callable[[], np.ndarray]],
    networks: Mapping[str, Callable[[], Any]],
    ensemble: dict[str, Any],
    params: ReadingParams,
) -> dict[str, Callable[[], pd.DataFrame]]:
    """Predict the classes along every recording.

    Args:
        recordings: see ``Recordings``.
        spectrograms: by id, as ``compute_recording_spectrograms`` makes them; used where a network
            sees the 10 minutes around a window.
        networks: by name, a callable that loads the network.
        ensemble: the record beside the networks.
        params: of which the steps, and what a step must hold.

    Returns:
        By id, a callable that returns a timeline; see
        ``hbac.models.eeg_ensemble.EEGEnsemble.predict_recording``. It raises ``ValueError`` for a
        recording that can't be read or is shorter than 10 s.

    Raises:
        ValueError: if a network of the ensemble is missing.
    """
    named = models.named_networks(networks, ensemble)
    # Only those, so that other files beside them change nothing.
    make_ensemble = partial(EEGEnsemble, ensemble, named)
    shown = spectrograms if sees_ten_minutes(ensemble) else {}
    how = {"step_seconds": params.step_seconds, "rule": params.rule()}
    return {
        name: partial(_timeline, name, load, shown.get(name), make_ensemble, how)
        for name, load in recordings.items()
    }
