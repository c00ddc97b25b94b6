"""The periodised discrete wavelet transform of many channels at once.

PyWavelets defines it and names the filters (mode ``"per"``; Mallat, "A theory for multiresolution
signal decomposition", IEEE PAMI 11, 1989). PyWavelets sums up one coefficient after the other;
here neighbouring coefficients are summed side by side, in one vector instruction, which needs the
even and the odd samples apart. Each sum runs in PyWavelets' order: but for the few coefficients
that reach around the end the bits are the same, and so is which of them pass a threshold.
"""

from __future__ import annotations

import numba
import numpy as np
import pywt


@numba.njit(cache=True)
def _analyse(even, odd, low_even, low_odd, high_even, high_odd, approximation, detail):
    """One level down, from samples that are padded by half a filter at either end."""
    half = len(low_even)
    for channel in range(detail.shape[0]):
        for k in range(detail.shape[1]):
            x, y = even[channel, k + half], odd[channel, k + half - 1]
            low = low_even[0] * x + low_odd[0] * y
            high = high_even[0] * x + high_odd[0] * y
            for tap in range(1, half):
                x, y = even[channel, k + half - tap], odd[channel, k + half - tap - 1]
                low += low_even[tap] * x
                low += low_odd[tap] * y
                high += high_even[tap] * x
                high += high_odd[tap] * y
            approximation[channel, k] = low
            detail[channel, k] = high


@numba.njit(cache=True)
def _synthesise(approximation, detail, low_first, high_first, low_second, high_second, signals):
    """One level up: the first and the second sample of every pair have taps of their own."""
    half = len(low_first)
    for channel in range(signals.shape[0]):
        for k in range(signals.shape[1] // 2):
            i, j = k + half + (half - 1) // 2, k + half + half // 2
            first = low_first[0] * approximation[channel, i] + high_first[0] * detail[channel, i]
            second = low_second[0] * approximation[channel, j] + high_second[0] * detail[channel, j]
            for tap in range(1, half):
                first += low_first[tap] * approximation[channel, i - tap]
                first += high_first[tap] * detail[channel, i - tap]
                second += low_second[tap] * approximation[channel, j - tap]
                second += high_second[tap] * detail[channel, j - tap]
            signals[channel, 2 * k] = first
            signals[channel, 2 * k + 1] = second


def _filter(taps: list[float], dtype: np.dtype) -> tuple[tuple, tuple]:
    """Even and odd taps; as tuples, so that LLVM knows how many there are and unrolls the loop."""
    return tuple(np.array(taps[::2], dtype)), tuple(np.array(taps[1::2], dtype))


def _periodic(values: np.ndarray, half: int) -> np.ndarray:
    return np.concatenate([values[:, -half:], values, values[:, :half]], axis=1)


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
    filters = pywt.Wavelet(wavelet)
    low, high = (_filter(taps, signals.dtype) for taps in (filters.dec_lo, filters.dec_hi))
    details = []
    for _ in range(pywt.dwt_max_level(signals.shape[1], filters.dec_len)):
        if signals.shape[1] % 2:
            signals = np.concatenate([signals, signals[:, -1:]], axis=1)
        padded = _periodic(signals, filters.dec_len // 2)
        even, odd = (np.ascontiguousarray(padded[:, parity::2]) for parity in (0, 1))
        shape = (len(signals), signals.shape[1] // 2)
        signals, detail = np.empty(shape, signals.dtype), np.empty(shape, signals.dtype)
        _analyse(even, odd, *low, *high, signals, detail)
        details.append(detail)
    return [signals, *details[::-1]]


def reconstruct(coefficients: list[np.ndarray], wavelet: str) -> np.ndarray:
    """Undo ``decompose``.

    Returns:
        Shape ``(channels, samples)``, a sample longer where the number of samples was odd.
    """
    signals, *details = coefficients
    filters = pywt.Wavelet(wavelet)
    low, high = (_filter(taps, signals.dtype) for taps in (filters.rec_lo, filters.rec_hi))
    half = filters.rec_len // 2
    first, second = (half - 1) % 2, half % 2
    for detail in details:
        n_channels, n_coefficients = detail.shape
        padded = [_periodic(values, half) for values in (signals[:, :n_coefficients], detail)]
        signals = np.empty((n_channels, 2 * n_coefficients), detail.dtype)
        _synthesise(*padded, low[first], high[first], low[second], high[second], signals)
    return signals
