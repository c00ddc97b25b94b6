"""EEG windows to log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac import eeg
from hbac.datasets.together import Together
from hbac.eeg import windows as window_policies
from hbac.eeg.band_power import band_powers
from hbac.eeg.montage import CHAIN_ELECTRODES, CHAINS
from hbac.eeg.recording import SAMPLING_RATE, Recording
from hbac.eeg.regional import (
    COLUMNS,
    WINDOW_ROWS,
    covers_regional_window,
    regional_window_from_eeg,
)
from hbac.eeg.shape import N_FRAMES, N_MELS, WINDOW_SECONDS
from hbac.eeg.windows import window_start
from hbac.models.preprocessing import window_waveforms
from hbac.models.waveform import WaveformLayout
from hbac.pipelines.missing import missing_files
from hbac.pipelines.spectrogram.params import SpectrogramParams


def select_windows(labels: pd.DataFrame, params: SpectrogramParams) -> pd.DataFrame:
    """Turn labels into windows; see ``hbac.eeg.windows.select_windows``."""
    return window_policies.select_windows(labels, policy=params.policy)


def select_training_windows(
    labels: pd.DataFrame, unlabelled: pd.DataFrame, params: SpectrogramParams
) -> pd.DataFrame:
    """Turn labels into windows, and what nobody has voted on into more of them.

    Args:
        labels: ``train.csv``.
        unlabelled: ``unlabelled.csv``, without rows where there is no such file.
        params: of which the policy.

    Returns:
        See ``hbac.eeg.windows.append_unlabelled``.
    """
    windows = select_windows(labels, params)
    if unlabelled.empty:
        return windows
    return window_policies.append_unlabelled(windows, unlabelled, policy=params.policy)


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
    in_type = eeg.to_half if dtype == "float16" else np.asarray
    for spectrogram, offset in zip(spectrograms, offsets, strict=True):
        spectrogram[:] = in_type(eeg.window_spectrograms(_window(recording, offset), **settings))
    return spectrograms


def _waveforms_of(
    load: Callable[..., Recording],
    offsets: Sequence[float],
    cleaning: Mapping[str, Any],
    layout: WaveformLayout,
) -> np.ndarray:
    recording = load(channels=CHAIN_ELECTRODES)
    return np.stack(
        [window_waveforms(_window(recording, offset), cleaning, layout) for offset in offsets]
    )


def _band_powers_of(load: Callable[..., Recording], offsets: Sequence[float]) -> np.ndarray:
    recording = load(channels=CHAIN_ELECTRODES)
    return np.stack(
        [band_powers(_window(recording, offset)).astype(np.float32) for offset in offsets]
    )


def window_centre(offset: float, duration: float) -> float:
    """The moment that a window's label speaks of, in seconds of its EEG of ``duration`` seconds."""
    return window_start(offset, duration, WINDOW_SECONDS) + WINDOW_SECONDS / 2


def duration_of(load: Callable[..., Recording]) -> float:
    """Seconds of an EEG, which is read only where its loader can't tell."""
    return load.length() / SAMPLING_RATE if hasattr(load, "length") else load().duration


def _regional_windows_of(
    load: Callable[..., Recording], offsets: Sequence[float]
) -> np.ndarray | None:
    recording = load(channels=CHAIN_ELECTRODES)
    duration = recording.duration
    centres = [window_centre(offset, duration) for offset in offsets]
    covered = [covers_regional_window(duration, centre) for centre in centres]
    if not any(covered):
        return None
    power = np.full((len(offsets), WINDOW_ROWS, len(COLUMNS)), np.nan, np.float32)
    for row in np.flatnonzero(covered):
        power[row] = regional_window_from_eeg(recording, centres[row])
    return power


def _with_file(
    eegs: dict[str, Callable[..., Recording]], windows: pd.DataFrame
) -> Iterator[tuple[str, Callable[..., Recording], tuple[float, ...]]]:
    """Each EEG that has a file and a window: its id, what reads it, where its windows start."""
    starts: dict[str, list[float]] = {}
    for eeg_id, offset in zip(windows["eeg_id"], windows["eeg_offset_seconds"], strict=True):
        starts.setdefault(str(eeg_id), []).append(offset)
    for eeg_id, offsets in starts.items():
        if eeg_id in eegs:
            yield eeg_id, eegs[eeg_id], tuple(offsets)


def cut_waveforms(
    eegs: dict[str, Callable[..., Recording]],
    windows: pd.DataFrame,
    cleaning: Mapping[str, Any],
    layout: WaveformLayout,
) -> dict[str, Callable[[], np.ndarray]]:
    """Lay out the bipolar EEG of all windows of each EEG.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.
        cleaning: ``clip``, ``notch`` and ``band_pass``; see ``hbac.eeg.bipolar_waveforms``.
        layout: how much of it is seen, and at which rate.

    Returns:
        By ``eeg_id``, a callable that returns shape ``(windows, channels, samples)``, float16; none
        for an EEG that has no file.
    """
    return {
        eeg_id: partial(_waveforms_of, load, offsets, cleaning, layout)
        for eeg_id, load, offsets in _with_file(eegs, windows)
    }


def measure_band_powers(
    eegs: dict[str, Callable[..., Recording]], windows: pd.DataFrame
) -> dict[str, Callable[[], np.ndarray]]:
    """Measure the power of each chain in the classical bands, of all windows of each EEG.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.

    Returns:
        By ``eeg_id``, a callable that returns a row a window, ``hbac.eeg.band_power.band_powers``,
        float32; none for an EEG that has no file.
    """
    return {
        eeg_id: partial(_band_powers_of, load, offsets)
        for eeg_id, load, offsets in _with_file(eegs, windows)
    }


def compute_regional_windows(
    eegs: dict[str, Callable[..., Recording]],
    windows: pd.DataFrame,
    spectrograms: Container[str],
) -> dict[str, Callable[[], np.ndarray | None]]:
    """Compute the 10 minutes of EEGs that have no spectrogram file.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.
        spectrograms: ids of the files that there are.

    Returns:
        By ``eeg_id``, a callable that returns power, shape ``(windows, 300, 400)``, float32, NaN
        for a window whose 10 minutes the EEG does not hold; None where it holds those of no window,
        which only the EEG tells.
    """
    without = ~windows["spectrogram_id"].astype(str).isin(spectrograms)
    theirs = windows[windows["eeg_id"].isin(windows.loc[without, "eeg_id"])]
    return {
        eeg_id: partial(_regional_windows_of, load, offsets)
        for eeg_id, load, offsets in _with_file(eegs, theirs)
    }


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
    missing, settings = missing_files(windows["eeg_id"], eegs, "eeg_id"), params.settings
    return missing | {
        eeg_id: partial(_spectrograms_of, load, offsets, settings, params.dtype)
        for eeg_id, load, offsets in _with_file(eegs, windows)
    }


def in_one_pass(
    spectrograms: dict[str, Callable[[], np.ndarray]],
    **beside: dict[str, Callable[[], np.ndarray]],
) -> dict[str, Together]:
    """Have everything that is made of an EEG made while it is read for its spectrograms.

    Args:
        spectrograms: by ``eeg_id``, a callable; see ``compute_eeg_spectrograms``.
        beside: by the name of its folder and ``eeg_id``, what makes something else of it.
    """
    return {
        eeg_id: Together(task, {name: of[eeg_id] for name, of in beside.items() if eeg_id in of})
        for eeg_id, task in spectrograms.items()
    }
