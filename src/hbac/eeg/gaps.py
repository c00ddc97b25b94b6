"""What is missing in a recording, and how to work on what is left of it.

A sample is missing where it is NaN, and where an electrode holds one value for a second or more,
since no EEG does: it is not connected, the amplifier is at its limit, or a gap was filled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hbac.eeg.montage import chain_differences, common_average
from hbac.eeg.recording import Recording

MISSING = 0.0
"""What stands for all that is missing in what a network sees: samples, frames, channels, chains and
panels. It is near the mean of what is there, and augmentation produces it as well."""

SHORT_GAP_SECONDS = 0.05
"""Gaps up to this length are bridged by a straight line: the period of 20 Hz, the fastest rhythm
that a network is shown."""

LEAST_SECONDS = 1.0
"""A shorter stretch between two gaps counts as missing: no filter has settled by its end."""

FLAT_SECONDS = 1.0
"""One value for so long is no EEG, whose noise alone changes the last digit."""

LEAST_LIVE = 0.5
"""Share of a frame's samples that must be there; a frame with fewer is missing."""


def stretches(chosen: np.ndarray) -> np.ndarray:
    """First sample of each run of true values, and the one after its last, shape ``(runs, 2)``."""
    return np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)


def _drop_flat_runs(channel: np.ndarray, least: int) -> None:
    """Set runs of one value, of ``least`` samples or more, to NaN in place."""
    for first, last in stretches(np.diff(channel) == 0):
        if last + 1 - first >= least:
            channel[first : last + 1] = np.nan


def without_flat(signals: np.ndarray, *, sampling_rate: float) -> np.ndarray:
    """Take stretches in which a channel holds one value for missing.

    Args:
        signals: shape ``(..., samples)``, NaN where missing.
        sampling_rate: samples a second.

    Returns:
        The same shape and dtype, NaN for ``FLAT_SECONDS`` or more of one value; the array itself
        where there was none.
    """
    least = round(FLAT_SECONDS * sampling_rate)
    # A run that long holds four of these samples, which are quicker to look at than all.
    same = np.diff(signals[..., :: max(least // 4, 1)]) == 0
    suspicious = (same[..., 2:] & same[..., 1:-1] & same[..., :-2]).any(axis=-1)
    if not suspicious.any():
        return signals
    kept = signals.copy()
    for channel in np.argwhere(suspicious):
        _drop_flat_runs(kept[tuple(channel)], least)
    return kept


def live_differences(recording: Recording) -> np.ndarray:
    """Bipolar channels of the chains, of electrodes that are alive.

    Args:
        recording: EEG with at least the electrodes of the four chains.

    Returns:
        As ``hbac.eeg.montage.chain_differences``, but NaN where an electrode, or the difference of
        two, holds one value for ``FLAT_SECONDS`` or more.

    Raises:
        ValueError: if an electrode of a chain is missing.
    """
    rate = recording.sampling_rate
    live = without_flat(recording.data, sampling_rate=rate)
    pairs = chain_differences(Recording(live, recording.channels, rate))
    return without_flat(pairs, sampling_rate=rate)


def live_average(recording: Recording) -> np.ndarray:
    """Electrodes of the chains against the common average of those that are alive.

    Args:
        recording: EEG with at least the electrodes of the four chains.

    Returns:
        As ``hbac.eeg.montage.common_average``, but NaN where an electrode holds one value for
        ``FLAT_SECONDS`` or more.

    Raises:
        ValueError: if an electrode is missing, or the recording is bipolar.
    """
    rate = recording.sampling_rate
    live = without_flat(recording.data, sampling_rate=rate)
    return common_average(Recording(live, recording.channels, rate))


def any_missing(signals: np.ndarray) -> bool:
    """Whether any sample is NaN, in two thirds of the time of ``numpy.isnan(signals).any()``."""
    return bool(np.isnan(signals.min(initial=0)))


def bridge_gaps(signals: np.ndarray) -> np.ndarray:
    """Replace NaN by a straight line across each gap, so that a filter meets no step.

    Args:
        signals: shape ``(..., samples)``.

    Returns:
        The same shape and dtype without NaN: the nearest sample at either end, 0 in a channel that
        is NaN throughout; the array itself where there was none.
    """
    if not any_missing(signals):
        return signals
    bridged = signals.copy()
    for channel in bridged.reshape(-1, signals.shape[-1]):
        missing = np.isnan(channel)
        known = np.flatnonzero(~missing)
        line = np.interp(np.flatnonzero(missing), known, channel[known]) if known.size else 0
        channel[missing] = line
    return bridged


def _only_long(chosen: np.ndarray, longer_than: float) -> np.ndarray:
    """Of a row of booleans, the runs of true values that are longer than so many samples."""
    kept = np.zeros_like(chosen)
    for first, last in stretches(chosen):
        kept[first:last] = last - first > longer_than
    return kept


def bridge_short_gaps(signals: np.ndarray, *, sampling_rate: float) -> np.ndarray:
    """Bridge gaps of up to ``SHORT_GAP_SECONDS``, and leave longer ones.

    Args:
        signals: shape ``(..., samples)``, NaN where missing.
        sampling_rate: samples a second.

    Returns:
        The same shape and dtype; the array itself where nothing is missing.
    """
    if not any_missing(signals):
        return signals
    longest = round(SHORT_GAP_SECONDS * sampling_rate)
    long = np.apply_along_axis(_only_long, -1, np.isnan(signals), longest)
    return np.where(long, np.nan, bridge_gaps(signals)).astype(signals.dtype, copy=False)


def _alike(missing: np.ndarray) -> list[list[int]]:
    """Group the rows that are equal, so that each group is worked on at once."""
    groups: dict[bytes, list[int]] = {}
    for row, gaps in enumerate(missing):
        groups.setdefault(gaps.tobytes(), []).append(row)
    return list(groups.values())


def on_live_stretches(
    signals: np.ndarray, process: Callable[[np.ndarray], np.ndarray], *, sampling_rate: float
) -> np.ndarray:
    """Filter each stretch between two gaps as if it were a recording of its own.

    So nothing rings across the edge of a gap, and what is measured, such as the level of noise, is
    measured on EEG alone.

    Args:
        signals: shape ``(..., samples)``, NaN where missing.
        process: takes ``(..., samples)`` without NaN, and returns that shape.
        sampling_rate: samples a second.

    Returns:
        The same shape, NaN in gaps of more than ``SHORT_GAP_SECONDS`` and in stretches of less than
        ``LEAST_SECONDS`` between them.
    """
    if not any_missing(signals):
        return process(signals)
    bridged = bridge_short_gaps(signals, sampling_rate=sampling_rate)
    channels = bridged.reshape(-1, signals.shape[-1])
    processed = np.full_like(channels, np.nan)
    for rows in _alike(np.isnan(channels)):
        for first, last in stretches(~np.isnan(channels[rows[0]])):
            if last - first >= LEAST_SECONDS * sampling_rate:
                processed[rows, first:last] = process(channels[rows, first:last])
    return processed.reshape(signals.shape)


def live_frames(live: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Tell which frames hold enough of what is there.

    Args:
        live: whether a sample is there, shape ``(..., samples)``, bool.
        starts: first sample of each frame, which may lie outside the signal.
        length: samples of a frame; those outside the signal do not count.

    Returns:
        Whether ``LEAST_LIVE`` of a frame or more is there, shape ``(..., frames)``, bool.
    """
    counts = np.concatenate([np.zeros((*live.shape[:-1], 1), int), live.cumsum(axis=-1)], axis=-1)
    first, last = (np.clip(edge, 0, live.shape[-1]) for edge in (starts, starts + length))
    return counts[..., last] - counts[..., first] >= LEAST_LIVE * (last - first)
