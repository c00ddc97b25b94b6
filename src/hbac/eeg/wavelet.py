"""The periodised discrete wavelet transform of many channels at once.

PyWavelets defines it and names the filters (mode ``"per"``; Mallat, "A theory for multiresolution
signal decomposition", IEEE PAMI 11, 1989). PyWavelets sums up one coefficient after the other;
here neighbouring coefficients are summed side by side, in one vector instruction, which needs the
even and the odd samples apart. Each sum runs in PyWavelets' order: but for the few coefficients
that reach around the end the bits are the same, and so is which of them pass a threshold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numba
import numpy as np
import pywt


@numba.njit(cache=True)
def _repeat(values, half, padded):
    """Pad a channel by half a filter at either end, as if it went round.

    Of an odd number of values the last stands twice. By loops, since Numba copies slices at a tenth
    of their speed.
    """
    n = len(padded) - 2 * half
    for k in range(len(values)):
        padded[half + k] = values[k]
    padded[half + n - 1] = values[len(values) - 1]
    for k in range(half):
        padded[k] = padded[n + k]
        padded[half + n + k] = padded[half + k]


@numba.njit(cache=True)
def _analyse(signals, low_even, low_odd, high_even, high_odd, approximation, detail):
    """One level down. The even and the odd samples of one channel stay in the cache."""
    half, n_pairs = len(low_even), detail.shape[1]
    padded = np.empty(2 * (n_pairs + half), signals.dtype)
    even, odd = np.empty(n_pairs + half, signals.dtype), np.empty(n_pairs + half, signals.dtype)
    for channel in range(signals.shape[0]):
        _repeat(signals[channel], half, padded)
        for k in range(n_pairs + half):
            even[k], odd[k] = padded[2 * k], padded[2 * k + 1]
        for k in range(n_pairs):
            x, y = even[k + half], odd[k + half - 1]
            low = low_even[0] * x + low_odd[0] * y
            high = high_even[0] * x + high_odd[0] * y
            for tap in range(1, half):
                x, y = even[k + half - tap], odd[k + half - tap - 1]
                low += low_even[tap] * x
                low += low_odd[tap] * y
                high += high_even[tap] * x
                high += high_odd[tap] * y
            approximation[channel, k] = low
            detail[channel, k] = high


@numba.njit(cache=True)
def _synthesise(approximation, detail, low_first, high_first, low_second, high_second, signals):
    """One level up: the first and the second sample of every pair have taps of their own."""
    half, n_pairs = len(low_first), detail.shape[1]
    low, high = (
        np.empty(n_pairs + 2 * half, detail.dtype),
        np.empty(n_pairs + 2 * half, detail.dtype),
    )
    for channel in range(signals.shape[0]):
        _repeat(approximation[channel, :n_pairs], half, low)
        _repeat(detail[channel], half, high)
        for k in range(n_pairs):
            i, j = k + half + (half - 1) // 2, k + half + half // 2
            first = low_first[0] * low[i] + high_first[0] * high[i]
            second = low_second[0] * low[j] + high_second[0] * high[j]
            for tap in range(1, half):
                first += low_first[tap] * low[i - tap]
                first += high_first[tap] * high[i - tap]
                second += low_second[tap] * low[j - tap]
                second += high_second[tap] * high[j - tap]
            signals[channel, 2 * k] = first
            signals[channel, 2 * k + 1] = second


@lru_cache
def _taps(wavelet: str, kind: Literal["dec", "rec"], dtype: np.dtype) -> list[tuple]:
    """Even and odd taps of a wavelet's low-pass, then of its high-pass.

    As tuples, so that LLVM knows how many there are and unrolls the loop.
    """
    filters = pywt.Wavelet(wavelet)
    both = (getattr(filters, f"{kind}_{band}") for band in ("lo", "hi"))
    return [tuple(np.array(taps[parity::2], dtype)) for taps in both for parity in (0, 1)]


def decompose(signals: np.ndarray, wavelet: str) -> list[np.ndarray]:
    """Decompose as deep as the wavelet's length allows.

    Args:
        signals: shape ``(channels, samples)``, float32 or float64.
        wavelet: a discrete wavelet by PyWavelets' name, such as ``"db8"``.

    Returns:
        Approximation and details, coarsest to finest, each ``(channels, coefficients)``: as
        ``pywt.wavedec(signals, wavelet, mode="per")``.

    Raises:
        ValueError: if PyWavelets knows no wavelet of that name.
    """
    taps = _taps(wavelet, "dec", signals.dtype)
    details = []
    for _ in range(pywt.dwt_max_level(signals.shape[1], 2 * len(taps[0]))):
        shape = (len(signals), (signals.shape[1] + 1) // 2)
        approximation, detail = np.empty(shape, signals.dtype), np.empty(shape, signals.dtype)
        _analyse(signals, *taps, approximation, detail)
        signals = approximation
        details.append(detail)
    return [signals, *details[::-1]]


def reconstruct(coefficients: list[np.ndarray], wavelet: str) -> np.ndarray:
    """Undo ``decompose``.

    Returns:
        Shape ``(channels, samples)``, a sample longer where the number of samples was odd.
    """
    signals, *details = coefficients
    taps = _taps(wavelet, "rec", signals.dtype)
    # Of a filter whose half is odd, the first sample of a pair takes the even taps.
    first, second = (taps[::2], taps[1::2]) if len(taps[0]) % 2 else (taps[1::2], taps[::2])
    for detail in details:
        approximation = signals
        signals = np.empty((len(detail), 2 * detail.shape[1]), detail.dtype)
        _synthesise(approximation, detail, *first, *second, signals)
    return signals
