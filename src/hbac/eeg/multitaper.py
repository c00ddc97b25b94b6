"""Power over time and frequency by Slepian tapers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy

TIME_HALF_BANDWIDTH = 2
N_TAPERS = 3


@lru_cache
def _basis(length: int, sampling_rate: float, frequencies: tuple[float, ...]) -> np.ndarray:
    """Tapered cosines and sines, shape ``(length, 2 * tapers * frequencies)``, float32."""
    tapers = scipy.signal.windows.dpss(length, TIME_HALF_BANDWIDTH, N_TAPERS)
    angles = 2 * np.pi * np.outer(np.arange(length) / sampling_rate, frequencies)
    waves = np.stack([np.cos(angles), np.sin(angles)])
    basis = tapers[np.newaxis, :, :, np.newaxis] * waves[:, np.newaxis]
    return np.ascontiguousarray(np.moveaxis(basis, 2, 0).reshape(length, -1), np.float32)


def frame_starts(
    stretch: tuple[float, float], n_frames: int, length: int, sampling_rate: float
) -> np.ndarray:
    """First sample of windows in the middle of equal frames; it may lie before the signal.

    Args:
        stretch: begin and end in seconds of what is cut into frames.
        n_frames: how many.
        length: samples of a window.
        sampling_rate: samples a second.

    Returns:
        Shape ``(n_frames,)``, int.
    """
    edges = np.linspace(*stretch, n_frames + 1) * sampling_rate
    return np.round((edges[:-1] + edges[1:] - length) / 2).astype(int)


def multitaper_power(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    frequencies: np.ndarray,
    stretch: tuple[float, float],
    n_frames: int,
    window_seconds: float,
) -> np.ndarray:
    """Power density of short windows, averaged over orthogonal tapers.

    Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70, 1982, with 3 Slepian tapers
    of time-half-bandwidth 2: a spectral line is 4 / ``window_seconds`` Hz wide. Both ends are
    extended by reflection.

    Args:
        signals: microvolts, shape ``(channels, samples)``, no NaN.
        sampling_rate: samples a second.
        frequencies: Hz, shape ``(frequencies,)``.
        stretch: begin and end in seconds of what is cut into frames.
        n_frames: how many; a window stands in the middle of each.
        window_seconds: length of a window.

    Returns:
        Microvolts squared a hertz, one-sided, shape ``(channels, frequencies, frames)``, float32.
    """
    length = round(window_seconds * sampling_rate)
    starts = frame_starts(stretch, n_frames, length, sampling_rate)
    padded = np.pad(signals, [(0, 0), (length, length)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=-1)
    framed = windows[:, starts + length].astype(np.float32, copy=False)
    framed = framed - framed.mean(axis=-1, keepdims=True)
    found = framed @ _basis(length, sampling_rate, tuple(map(float, frequencies)))
    power = (found**2).reshape(*found.shape[:2], 2 * N_TAPERS, -1).sum(axis=2)
    return np.moveaxis(power, 1, 2) * np.float32(2 / (sampling_rate * N_TAPERS))
