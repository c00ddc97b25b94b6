"""Power over time and frequency by Morlet wavelets, one or several a frequency.

A wavelet is a Gaussian in frequency. So of a transform that is as long as the signal, one product
and an inverse transform a wavelet suffice, and the latter need hold no more than 50 samples a
second: to its envelope, what lies above does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

CYCLES = 6.0
"""Angular frequency of the Morlet wavelet times its standard deviation in time: 6, as by Torrence
and Compo, "A practical guide to wavelet analysis", Bull. Am. Meteorol. Soc. 79, 1998."""

BASE_CYCLES = 3.0
"""Cycles of a superlet's shortest wavelet."""

ORDERS = (1.0, 10.0)
"""Order of the superlets of the lowest and of the highest frequency."""

_SUPERLET_DEVIATIONS = 5.0
"""Standard deviations that hold a superlet's cycles, as its authors count them."""

_SAMPLING_RATE = 50
_EDGE_SECONDS = 10
_TINY = np.float32(1e-20)


@dataclass(frozen=True)
class _Spectrum:
    """Positive frequencies of signals that were extended by reflection.

    Attributes:
        values: complex amplitudes, shape ``(channels, bins)``, of ``_SAMPLING_RATE`` at most.
        hertz: of each bin, shape ``(bins,)``.
        inside: the samples of an inverse transform that are the signals' own.
    """

    values: np.ndarray
    hertz: np.ndarray
    inside: slice

    @classmethod
    def of(cls, signals: np.ndarray, sampling_rate: float) -> _Spectrum:
        samples = signals.shape[-1]
        edge = min(round(_EDGE_SECONDS * sampling_rate), samples - 1)
        extended = np.pad(signals, [(0, 0), (edge, edge)], mode="reflect")
        length = extended.shape[-1]
        seconds = length / sampling_rate
        n_bins = round(seconds * _SAMPLING_RATE)
        values = scipy.fft.rfft(extended.astype(np.float32, copy=False))[:, :n_bins]
        values = np.pad(values, [(0, 0), (0, n_bins - values.shape[1])])
        # An offset is no oscillation, and the widest Gaussians reach down to it.
        values[:, 0] = 0
        first = round(edge / length * n_bins)
        inside = slice(first, first + round(samples / length * n_bins))
        return cls(values * np.float32(n_bins / length), np.arange(n_bins) / seconds, inside)

    def density(self, frequency: float, deviation: float) -> np.ndarray:
        """Power density at one frequency, seen through a Gaussian that is so many Hz wide.

        Its power is such that white noise shows its own one-sided density.
        """
        response = np.exp(-0.5 * ((self.hertz - frequency) / deviation) ** 2)
        response *= np.sqrt(2 / (deviation * np.sqrt(np.pi)))
        envelope = scipy.fft.ifft(self.values * response.astype(np.float32), overwrite_x=True)
        envelope = envelope[:, self.inside]
        return envelope.real**2 + envelope.imag**2


def _mean_in_frames(power: np.ndarray, seconds: tuple[float, float], n_frames: int) -> np.ndarray:
    """Average power ``(channels, samples)`` over frames of equal length."""
    edges = np.linspace(*seconds, n_frames + 1) * _SAMPLING_RATE
    edges = np.minimum(edges.round().astype(int), power.shape[-1])
    sums = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=-1)
    return sums / np.diff(edges)


def _framed(
    powers: Iterator[np.ndarray], stretches: Sequence[tuple[float, float]], n_frames: int
) -> list[np.ndarray]:
    """Frames of each frequency, by stretch, shape ``(channels, frequencies, frames)``."""
    rows = [[_mean_in_frames(power, one, n_frames) for one in stretches] for power in powers]
    return [np.stack(of_stretch, axis=1) for of_stretch in zip(*rows, strict=True)]


def morlet_power(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    frequencies: np.ndarray,
    stretches: Sequence[tuple[float, float]],
    n_frames: int,
) -> list[np.ndarray]:
    """Power density by the continuous wavelet transform, of ``CYCLES`` at every frequency.

    At 1 Hz the wavelet's standard deviation is 0.95 s and its bandwidth's 0.17 Hz, at 10 Hz 0.1 s
    and 1.7 Hz. Both ends are extended by reflection.

    Args:
        signals: microvolts, shape ``(channels, samples)``, no NaN.
        sampling_rate: samples a second, 100 or more.
        frequencies: Hz, above 0 and at most 20 or so, shape ``(frequencies,)``.
        stretches: begin and end in seconds of what is cut into frames.
        n_frames: of each stretch, no shorter than 0.02 s; a frame is the mean over its length.

    Returns:
        By stretch, microvolts squared a hertz, shape ``(channels, frequencies, frames)``, float32.
    """
    spectrum = _Spectrum.of(signals, sampling_rate)
    powers = (spectrum.density(each, each / CYCLES) for each in frequencies)
    return _framed(powers, stretches, n_frames)


def _superlet(spectrum: _Spectrum, frequency: float, order: float) -> np.ndarray:
    """Geometric mean of the powers of wavelets of 1, 2 ... ``order`` times the base cycles."""
    logarithm = np.float32(0)
    for number in range(1, int(np.ceil(order)) + 1):
        cycles = BASE_CYCLES * number
        deviation = _SUPERLET_DEVIATIONS * frequency / (2 * np.pi * cycles)
        share = np.float32(min(order - number + 1, 1) / order)
        density = np.maximum(spectrum.density(frequency, deviation), _TINY)
        logarithm = logarithm + share * np.log(density)
    return np.exp(logarithm)


def superlet_power(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    frequencies: np.ndarray,
    stretches: Sequence[tuple[float, float]],
    n_frames: int,
) -> list[np.ndarray]:
    """Power density by fractional adaptive superlets.

    A superlet is the geometric mean of what Morlet wavelets of one frequency and of ``BASE_CYCLES``
    times 1, 2, 3 ... cycles find (Moca, Bârzan, Nagy-Dăbâcan and Mureșan, "Time-frequency
    super-resolution with superlets", Nat. Commun. 12, 337, 2021): the short ones tell when, the
    long ones which frequency. How many there are rises with the frequency over ``ORDERS``; the last
    counts by the fraction that is left (Bârzan et al., "Time-frequency representations of brain
    oscillations: which one is better?", Front. Neuroinform. 16, 2022).

    Each wavelet has the power of ``morlet_power`` and not, as with its authors, the amplitude of a
    sine: between frequencies this is a constant alone, and white noise is the same in all rows but
    for what a geometric mean lies below the mean, 0 to 2.5 dB.

    Args:
        signals: see ``morlet_power``, as for all others.
        sampling_rate: see there.
        frequencies: see there; rising.
        stretches: see there.
        n_frames: see there.

    Returns:
        See there.
    """
    spectrum = _Spectrum.of(signals, sampling_rate)
    orders = np.interp(frequencies, np.asarray(frequencies)[[0, -1]], ORDERS)
    pairs = zip(frequencies, orders, strict=True)
    return _framed((_superlet(spectrum, *pair) for pair in pairs), stretches, n_frames)
