"""Ongoing activity: 1/f background, slow waves, posterior rhythm and the beta of sedation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation.scalp import POSITIONS, scalp_field, volume_conduction

_HIGH_PASS = 0.4


def coloured_noise(
    rng: np.random.Generator, density: Callable[[np.ndarray], np.ndarray], *, shape: tuple[int, int]
) -> np.ndarray:
    """Gaussian noise of a given power spectral density.

    Args:
        rng: source of randomness.
        density: power in microvolts squared a hertz as a function of frequency in Hz.
        shape: ``(channels, samples)``, at 200 Hz.

    Returns:
        Independent channels in microvolts, that shape, float32.
    """
    channels, samples = shape
    length = scipy.fft.next_fast_len(samples, real=True)
    frequencies = scipy.fft.rfftfreq(length, 1 / SAMPLING_RATE)
    scale = np.zeros_like(frequencies)
    scale[1:] = np.sqrt(density(frequencies[1:]) * length * SAMPLING_RATE / 4)
    parts = rng.standard_normal((channels, len(frequencies), 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0] * scale.astype(np.float32)
    return scipy.fft.irfft(spectrum, length)[:, :samples]


def power_law(*, exponent: float, rms: float) -> Callable[[np.ndarray], np.ndarray]:
    """Spectral density that falls as ``1 / f**exponent`` above 0.4 Hz, where amplifiers cut.

    Args:
        exponent: 0 is white; scalp EEG lies between 1 and 3 (He, "Scale-free brain activity",
            Trends Cogn. Sci. 18, 2014).
        rms: root mean square over all frequencies, in microvolts.
    """
    frequencies = np.linspace(0.01, SAMPLING_RATE / 2, 10_000)

    def shape(frequency: np.ndarray) -> np.ndarray:
        return frequency**-exponent / (1 + (_HIGH_PASS / frequency) ** 6)

    power = shape(frequencies).sum() * (frequencies[1] - frequencies[0])
    return lambda frequency: rms**2 / power * shape(frequency)


def spectral_peak(
    *, frequency: float, bandwidth: float, rms: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Gaussian spectral density around ``frequency``: a rhythm that waxes and wanes.

    Args:
        frequency: centre in Hz.
        bandwidth: standard deviation in Hz; bursts last about ``1 / (2 bandwidth)`` seconds.
        rms: root mean square in microvolts.
    """
    height = rms**2 / (bandwidth * np.sqrt(2 * np.pi))
    return lambda f: height * np.exp(-0.5 * ((f - frequency) / bandwidth) ** 2)


def wander(rng: np.random.Generator, samples: int, *, seconds: float) -> np.ndarray:
    """Slow random course of unit variance at knots that stand ``seconds`` apart.

    Returns:
        Shape ``(samples,)``, float32; linear between the knots.
    """
    knots = np.arange(0, samples / SAMPLING_RATE + 2 * seconds, seconds)
    times = np.arange(samples) / SAMPLING_RATE
    return np.interp(times, knots, rng.standard_normal(len(knots))).astype(np.float32)


def posterior_rhythm(
    rng: np.random.Generator, samples: int, *, frequency: float, rms: float
) -> np.ndarray:
    """Rhythm of the two occipital regions, partly in step with each other.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        frequency: 8 to 12 Hz in the awake adult, less in encephalopathy.
        rms: root mean square at O1 and O2 in microvolts, about 10.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    density = spectral_peak(frequency=frequency, bandwidth=0.6, rms=rms)
    shared, left, right = coloured_noise(rng, density, shape=(3, samples))
    occipital = [scalp_field(np.array([side, -0.92, 0.25]), width=0.6) for side in (-0.3, 0.3)]
    sides = np.stack([0.8 * shared + 0.6 * left, 0.8 * shared + 0.6 * right])
    return np.stack(occipital, axis=1).astype(np.float32) @ sides


def _conducted(
    rng: np.random.Generator,
    density: Callable[[np.ndarray], np.ndarray],
    samples: int,
    *,
    width: float,
    bilateral: float,
) -> np.ndarray:
    noise = coloured_noise(rng, density, shape=(len(POSITIONS), samples))
    return volume_conduction(round(width, 1), round(bilateral, 1)).astype(np.float32) @ noise


def simulate_background(
    rng: np.random.Generator,
    samples: int,
    *,
    exponent: float,
    amplitude: float,
    slowing: float,
    posterior: float = 0.0,
    posterior_frequency: float = 9.0,
    beta: float = 0.0,
    bilateral: float = 0.3,
) -> np.ndarray:
    """Background of one recording: 1/f activity, slow waves, posterior rhythm and beta.

    With ``slowing`` theta and delta grow, the way encephalopathy changes the EEG. Slow waves
    belong to far larger patches of cortex than fast activity, so that neighbouring channels have
    much of them in common (Nunez and Srinivasan, "Electric Fields of the Brain", 2006).

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        exponent: steepness of the 1/f spectrum.
        amplitude: root mean square of a longitudinal bipolar channel without the rhythms, in
            microvolts.
        slowing: 0 (none) to 1 (severe diffuse encephalopathy).
        posterior: root mean square of the posterior rhythm at O1 and O2, in microvolts.
        posterior_frequency: its frequency, in Hz.
        beta: root mean square of the beta that sedatives bring, in microvolts.
        bilateral: correlation of the hemispheres' slow waves, 0 to 1.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    share = 0.35 + 0.5 * slowing
    floor = power_law(exponent=exponent, rms=amplitude * np.sqrt(1 - share))
    fast = spectral_peak(frequency=17.0, bandwidth=3.0, rms=beta)
    delta = spectral_peak(frequency=1.2, bandwidth=0.9, rms=amplitude * np.sqrt(0.8 * share))
    theta = spectral_peak(frequency=5.0, bandwidth=1.2, rms=amplitude * np.sqrt(0.2 * share))
    local = _conducted(rng, lambda f: floor(f) + fast(f), samples, width=0.3, bilateral=0.1)
    slow = _conducted(rng, lambda f: delta(f) + theta(f), samples, width=0.7, bilateral=bilateral)
    slow *= np.exp(0.3 * wander(rng, samples, seconds=3))
    ongoing = (local + slow) * np.exp(0.2 * wander(rng, samples, seconds=20))
    if posterior == 0:
        return ongoing
    rhythm = posterior_rhythm(rng, samples, frequency=posterior_frequency, rms=posterior)
    return ongoing + rhythm * np.exp(0.5 * wander(rng, samples, seconds=12))
