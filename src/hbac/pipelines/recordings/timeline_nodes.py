"""Recordings to the probabilities of the six classes along them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from hbac import models
from hbac.eeg.regional import long_regional_spectrogram
from hbac.models.eeg_ensemble import EEGEnsemble, LongRecording
from hbac.models.preprocessing import sees_ten_minutes
from hbac.pipelines.recordings.params import ReadingParams

Recordings = Mapping[str, Callable[[], LongRecording]]
"""By id, a callable that opens a recording, or raises where it can't be read."""

_loading = threading.Lock()


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


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _timeline(
    load: Callable[[], LongRecording],
    load_spectrogram: Callable[[], np.ndarray] | None,
    make_ensemble: Callable[[], EEGEnsemble],
    how: Mapping[str, Any],
) -> pd.DataFrame:
    regional = None if load_spectrogram is None else load_spectrogram()
    return _shared(make_ensemble).predict_recording(load(), regional=regional, **how)


def predict_timelines(
    recordings: Recordings,
    cards: pd.DataFrame,
    spectrograms: Mapping[str, Callable[[], np.ndarray]],
    networks: Mapping[str, Callable[[], Any]],
    ensemble: dict[str, Any],
    params: ReadingParams,
) -> dict[str, Callable[[], pd.DataFrame]]:
    """Predict the classes along every recording.

    Args:
        recordings: see ``Recordings``.
        cards: as ``describe_recordings`` returns them. What is refused there is not opened again:
            its timeline fails with the reason, and so stands in the table of failures.
        spectrograms: by id, as ``compute_recording_spectrograms`` makes them; used where a network
            sees the 10 minutes around a window.
        networks: by name, a callable that loads the network.
        ensemble: the record beside the networks.
        params: of which the steps, and what a step must hold.

    Returns:
        By id, a callable that returns a timeline; see
        ``hbac.models.eeg_ensemble.EEGEnsemble.predict_recording``. It raises ``ValueError`` for a
        recording that is refused.

    Raises:
        ValueError: if a network of the ensemble is missing.
    """
    named = models.named_networks(networks, ensemble)
    # Only those, so that other files beside them change nothing.
    make_ensemble = partial(EEGEnsemble, ensemble, named)
    shown = spectrograms if sees_ten_minutes(ensemble) else {}
    how = {"step_seconds": params.step_seconds, "rule": params.rule()}
    refused = cards[cards["status"] == "refused"].set_index("recording")["reason"]
    return {
        name: partial(_refuse, refused[name])
        if name in refused
        else partial(_timeline, load, shown.get(name), make_ensemble, how)
        for name, load in recordings.items()
    }
