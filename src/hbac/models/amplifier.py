"""EEG as another amplifier might have recorded it: with gains, filters and noise of its own.

All of it is one filter a window in the frequency domain, where noise is added as well.
"""

from __future__ import annotations

import numpy as np
import scipy

from hbac.eeg.gaps import MISSING
from hbac.models.scale import window_scale

Range = tuple[float, float]

_PIVOT = 4.0
"""Hz at which a tilt changes nothing."""

_LOWEST = 0.5
"""Hz below which neither a tilt nor the spectrum of noise goes on."""

_ORDER = 3
"""Of low-pass and high-pass, as of a Butterworth filter: between those of amplifiers (1) and those
that software applies."""

_DIP_CENTRES, _DIP_WIDTHS = (3.0, 15.0), (0.5, 3.0)
"""In Hz; a width is a Gaussian's standard deviation."""

_NOISE_SLOPES = (0.2, 1.3)
"""The amplitude of noise falls with frequency to a power between these: from that of muscle and
electronics, which is nearly white, to that of an electrode that drifts."""


def _low_pass(frequencies: np.ndarray, cut_off: np.ndarray) -> np.ndarray:
    return (1 + (frequencies / cut_off) ** (2 * _ORDER)) ** -0.5


def _filters(
    frequencies: np.ndarray,
    n: int,
    rng: np.random.Generator,
    *,
    low_pass: Range | None,
    high_pass: Range | None,
    tilt: float,
    dip: float,
) -> np.ndarray:
    """Factor of each frequency in each of ``n`` windows, shape ``(n, frequencies)``."""
    one_each = (n, 1)
    factors = np.ones((n, len(frequencies)))
    if low_pass:
        factors *= _low_pass(frequencies, rng.uniform(*low_pass, one_each))
    if high_pass:
        # What a low-pass of the inverse frequency leaves; at 0 Hz that is next to nothing.
        inverse = 1 / np.maximum(frequencies, 1e-3)
        factors *= _low_pass(inverse, 1 / rng.uniform(*high_pass, one_each))
    if tilt:
        factors *= (np.maximum(frequencies, _LOWEST) / _PIVOT) ** rng.normal(0, tilt, one_each)
    if dip:
        away = (frequencies - rng.uniform(*_DIP_CENTRES, one_each)) / rng.uniform(
            *_DIP_WIDTHS, one_each
        )
        factors *= 1 - rng.uniform(0, dip, one_each) * np.exp(-0.5 * away**2)
    return factors.astype(np.float32)


def _noise_spectra(
    frequencies: np.ndarray, n: int, samples: int, rng: np.random.Generator
) -> np.ndarray:
    """What makes Gaussian coefficients 1/f noise of standard deviation 1, as ``_filters``."""
    slopes = rng.uniform(*_NOISE_SLOPES, (n, 1))
    spectra = np.maximum(frequencies, _LOWEST) ** -slopes
    spectra[:, 0] = 0
    # Each coefficient, its real and its imaginary part, counts twice in the sum of squares.
    spectra *= samples / (2 * np.sqrt((spectra**2).sum(axis=1, keepdims=True)))
    return spectra.astype(np.float32)


def draw_amplifiers(
    shape: tuple[int, int, int],
    sampling_rate: float,
    rng: np.random.Generator,
    *,
    gain: float = 0.0,
    channel_gain: float = 0.0,
    low_pass: Range | None = None,
    high_pass: Range | None = None,
    tilt: float = 0.0,
    dip: float = 0.0,
    noise: float = 0.0,
) -> dict[str, np.ndarray]:
    """Draw an amplifier for each window of a batch of waveforms.

    Args:
        shape: number of windows, channels and samples.
        sampling_rate: samples a second.
        rng: draws everything.
        gain: standard deviation of the logarithm of a window's gain.
        channel_gain: that of each of its channels.
        low_pass: lowest and highest cut-off in Hz, or ``None`` for no such filter.
        high_pass: the same.
        tilt: standard deviation of the power of frequency that amplitudes are multiplied by.
        dip: largest depth, 0 to 1, of a dip of 0.5 to 3 Hz somewhere between 3 and 15 Hz.
        noise: largest standard deviation of added 1/f noise, as a share of the window's scale.

    Returns:
        With a row a window: ``gains`` of its channels, shape ``(windows, channels, 1)``,
        ``filters``, shape ``(windows, frequencies)``, and of noise, where there is any, its
        ``noise_spectra`` of the same shape and ``noise_seeds``, shape ``(windows,)``.
    """
    n, channels, samples = shape
    frequencies = scipy.fft.rfftfreq(samples, 1 / sampling_rate)
    filters = _filters(
        frequencies, n, rng, low_pass=low_pass, high_pass=high_pass, tilt=tilt, dip=dip
    )
    gains = np.exp(rng.normal(0, gain, (n, 1))).astype(np.float32)
    of_channels = np.exp(rng.normal(0, channel_gain, (n, channels, 1))).astype(np.float32)
    drawn = {"gains": of_channels, "filters": gains * filters}
    if noise:
        spectra = _noise_spectra(frequencies, n, samples, rng)
        shares = rng.uniform(0, noise, (n, 1)).astype(np.float32)
        drawn["noise_spectra"] = shares * gains * spectra
        drawn["noise_seeds"] = rng.integers(2**31, size=n, dtype=np.int32)
    return drawn


def _noise(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Complex coefficients whose parts are Gaussian."""
    parts = np.random.default_rng(seed).standard_normal((shape[0], 2 * shape[1]), np.float32)
    return parts.view(np.complex64)


def record_anew(
    window: np.ndarray,
    gains: np.ndarray,
    filters: np.ndarray,
    noise_spectra: np.ndarray | None = None,
    noise_seeds: int | None = None,
) -> None:
    """Change a window in place into what another amplifier would have recorded.

    Args:
        window: shape ``(channels, samples)``; what is ``MISSING`` stays so.
        gains: the window's own of each of ``draw_amplifiers``.
        filters: likewise.
        noise_spectra: likewise.
        noise_seeds: likewise.
    """
    missing = window == MISSING
    spectrum = scipy.fft.rfft(window)
    spectrum *= gains * filters
    if noise_spectra is not None:
        level = window_scale(window[np.newaxis])[0]
        spectrum += level * noise_spectra * _noise(spectrum.shape, noise_seeds)
    window[...] = scipy.fft.irfft(spectrum, window.shape[1])
    window[missing] = MISSING
