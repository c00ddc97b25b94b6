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
    if known.all():
        return values.mean(axis=axis)
    counts = known.sum(axis=axis)
    return np.where(known, values, 0).sum(axis=axis) / np.where(counts, counts, np.nan)


def segment_densities(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    segment_seconds: float = SEGMENT_SECONDS,
    max_frequency: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Spectral density of half overlapping segments, whose mean is Welch's estimate.

    As of ``scipy.signal.spectrogram`` with its Hann window, at two thirds of its time.

    Args:
        signals: as of ``power_density``.
        sampling_rate: likewise.
        segment_seconds: likewise.
        max_frequency: the highest that is returned, in Hz.

    Returns:
        Frequencies in Hz, shape ``(frequencies,)``, and one-sided density in microvolts squared a
        hertz, shape ``(..., segments, frequencies)``, NaN where a sample of a segment is missing.

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
    # scipy.signal's, whose import takes half a second.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    tapered = segments - segments.mean(axis=-1, keepdims=True)
    tapered *= window.astype(tapered.dtype)
    frequencies = scipy.fft.rfftfreq(length, 1 / sampling_rate)
    frequencies = frequencies[frequencies <= max_frequency]
    spectrum = scipy.fft.rfft(tapered, axis=-1, overwrite_x=True)[..., : len(frequencies)]
    density = spectrum.real**2
    density += spectrum.imag**2
    # Of 0 Hz and of half an even length there is no counterpart among the negative frequencies.
    counterparts = np.full(length // 2 + 1, 2.0)
    counterparts[0] = 1
    if length % 2 == 0:
        counterparts[-1] = 1
    density *= counterparts[: len(frequencies)] / (sampling_rate * (window**2).sum())
    return frequencies, density


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
    frequencies, density = segment_densities(
        signals, sampling_rate=sampling_rate, segment_seconds=segment_seconds
    )
    return frequencies, mean_of_known(density, axis=-2)


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
