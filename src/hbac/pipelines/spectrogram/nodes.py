"""EEG windows to log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac.eeg import windows as window_policies
from hbac.eeg.montage import CHAIN_ELECTRODES, CHAINS
from hbac.eeg.recording import Recording
from hbac.eeg.spectrogram import N_FRAMES, N_MELS, WINDOW_SECONDS
from hbac.eeg.time_frequency import window_spectrograms
from hbac.eeg.windows import window_start
from hbac.pipelines.missing import missing_files
from hbac.pipelines.spectrogram.params import SpectrogramParams


def select_windows(labels: pd.DataFrame, params: SpectrogramParams) -> pd.DataFrame:
    """Turn labels into windows; see ``hbac.eeg.windows.select_windows``."""
    return window_policies.select_windows(labels, policy=params.policy)


def _window(recording: Recording, offset: float) -> Recording:
    start = window_start(offset, recording.duration, WINDOW_SECONDS)
    try:
        return recording.crop(start, WINDOW_SECONDS)
    except ValueError as error:
        raise ValueError(
            f"a window's eeg_offset_seconds is {offset:g}: {error}. Correct "
            "eeg_label_offset_seconds in the label table, or the file"
        ) from error


def _spectrograms_of(
    load: Callable[..., Recording],
    offsets: Sequence[float],
    settings: dict[str, Any],
    dtype: str,
) -> np.ndarray:
    """Spectrograms of one recording's windows, shape ``(windows, 128, 256, 4 or 8)``."""
    recording = load(channels=CHAIN_ELECTRODES)
    n_panels = len(CHAINS) * (2 if settings["centre"] else 1)
    spectrograms = np.empty((len(offsets), N_MELS, N_FRAMES, n_panels), dtype)
    for spectrogram, offset in zip(spectrograms, offsets, strict=True):
        spectrogram[:] = window_spectrograms(_window(recording, offset), **settings)
    return spectrograms


def compute_eeg_spectrograms(
    eegs: dict[str, Callable[..., Recording]], windows: pd.DataFrame, params: SpectrogramParams
) -> dict[str, Callable[[], np.ndarray]]:
    """Make the spectrograms of all windows of each EEG.

    Args:
        eegs: by ``eeg_id``, a callable that reads the ``channels`` of the recording that it is
            asked for.
        windows: a row a window; see ``hbac.eeg.windows.select_windows``.
        params: cleaning, kind of spectrogram, and type.

    Returns:
        By ``eeg_id``, a callable that returns shape ``(windows, 128, 256, 4)``, or
        ``(windows, 128, 256, 8)`` with the panels of the centre last; it raises
        ``FileNotFoundError`` for an EEG that has no file.

    Raises:
        ValueError: if no EEG has a file.
    """
    offsets = windows.groupby("eeg_id")["eeg_offset_seconds"].apply(tuple)
    missing = missing_files(offsets.index, eegs, "eeg_id")
    return missing | {
        str(eeg_id): partial(
            _spectrograms_of, eegs[str(eeg_id)], starts, params.settings, params.dtype
        )
        for eeg_id, starts in offsets.items()
        if str(eeg_id) in eegs
    }
