"""Power spectral density of channels and of chains."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view

from hbac.eeg.gaps import live_differences
from hbac.eeg.recording import Recording

SEGMENT_SECONDS = 4.0
"""Length of Welch's segments, so frequencies lie 0.25 Hz apart."""


def mean_of_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is not NaN; NaN where all is. As ``numpy.nanmean``, which warns of that."""
    known = ~np.isnan(values)
    counts = known.sum(axis=axis)
    return np.where(known, values, 0).sum(axis=axis) / np.where(counts, counts, np.nan)


def power_density(
    signals: np.ndarray, *, sampling_rate: float, segment_seconds: float = SEGMENT_SECONDS
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate power spectral density from what is not missing.

    Welch's method (IEEE Trans. Audio Electroacoust. 15, 1967): Hann windows, half overlapping, each
    freed of its mean. A segment in which a sample is missing does not count.

    Args:
        signals: EEG in microvolts, shape ``(..., samples)``, NaN where missing.
        sampling_rate: samples a second.
        segment_seconds: length of a segment; frequencies lie its inverse apart.

    Returns:
        Frequencies in Hz, shape ``(frequencies,)``, from 0 to half the sampling rate; and one-sided
        density in microvolts squared a hertz, shape ``(..., frequencies)``, NaN for a channel
        without a whole segment.

    Raises:
        ValueError: if the signals are shorter than a segment.
    """
    length = round(segment_seconds * sampling_rate)
    if signals.shape[-1] < length:
        raise ValueError(
            f"at least {segment_seconds:g} s are needed, received "
            f"{signals.shape[-1] / sampling_rate:g} s"
        )
    segments = sliding_window_view(signals, length, axis=-1)[..., :: length // 2, :]
    means = segments.mean(axis=-1)
    segments = segments - means[..., np.newaxis]
    missing = np.isnan(means)
    segments[missing] = 0
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    spectra = scipy.fft.rfft(segments * hann.astype(segments.dtype))
    squares = np.square(spectra.real) + np.square(spectra.imag)
    density = squares.sum(axis=-2, dtype=np.float64) * 2 / (sampling_rate * np.square(hann).sum())
    ends = [0, -1] if length % 2 == 0 else [0]
    density[..., ends] /= 2
    counts = (~missing).sum(axis=-1, keepdims=True, dtype=np.float64)
    counts[counts == 0] = np.nan
    return scipy.fft.rfftfreq(length, 1 / sampling_rate), density / counts


def chain_spectra(
    recording: Recording, *, band: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the spectrum of each chain: the mean density of its four bipolar channels.

    Args:
        recording: EEG of 4 s at least.
        band: lowest and highest frequency returned, in Hz.

    Returns:
        Frequencies in Hz, 0.25 Hz apart, both ends of the band included; and density in microvolts
        squared a hertz, shape ``(4, frequencies)``, chains in the order LL, RL, LP, RP; see
        ``power_density``. A channel without data or with a dead electrode (see
        ``hbac.eeg.gaps``) does not count; a chain of such alone is NaN.

    Raises:
        ValueError: if an electrode of a chain is missing or the recording is too short.
    """
    frequencies, density = power_density(
        live_differences(recording), sampling_rate=recording.sampling_rate
    )
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    return frequencies[inside], mean_of_known(density[..., inside], axis=1)
