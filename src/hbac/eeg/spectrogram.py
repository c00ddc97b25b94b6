"""Log-mel spectrograms of a 50-s EEG window, one a chain.

librosa defines them. Below 20 Hz they can be had faster than librosa makes them: of the
transform's 513 bins only 103 count, and those of a window of 128 samples, padded to 1024, are a
product with 103 windowed cosines and 103 sines. Below 20 Hz a window of 0.64 s tells little more
than 2 x 20 x 0.64 numbers: to float32's precision either matrix has rank 19, and two thin factors
do its work at an eighth of the cost, the first on frames that are folded about their middle.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Literal, get_args

import librosa
import numba
import numpy as np

from hbac.eeg.denoise import Noise, wavelet_denoise
from hbac.eeg.filters import clean
from hbac.eeg.gaps import bridge_gaps, live_differences, live_frames, on_live_stretches
from hbac.eeg.recording import SAMPLING_RATE, Recording

WINDOW_SECONDS = 50
"""Length of an EEG window; a label speaks of its central 10 s."""

N_MELS = 128
N_FRAMES = 256
MAX_FREQUENCY = 20.0
N_FFT = 1024
WIN_LENGTH = 128

CENTRE_SECONDS = 10.24
"""Length of the window's centre, of which the label speaks: 256 frames of 40 ms."""

CENTRE_WIN_LENGTH = 64
"""Samples of the centre's Hann window. 0.32 s keep periodic discharges and the single waves of a
3-Hz seizure apart, which 0.64 s run together (seen on real and simulated LPD, GPD, LRDA and
seizures at 48, 64, 96 and 128 samples); the 50-s panels show the rhythms' frequency."""

Reference = Literal["channel", "fixed"]
"""What 0 dB is: ``channel``, the channel's own maximum; ``fixed``, 1 microvolt squared a hertz."""

FIXED_RANGE_DB = (-30.0, 40.0)
"""Decibels above 1 microvolt squared a hertz that become -1 and 1 under ``reference="fixed"``.
In 22 real windows and 36 simulated ones, clipped at 500 microvolts, notched, band-passed 0.5-40 Hz
and denoised, 1 % to 99.9 % of the values lie within -28..40 dB, with mean -1 to 0 and deviation
11 to 16."""

_FLOOR = np.float32(1e-10)
_RANGE_DB = np.float32(80)

_N_FACTORS = 4
"""Channels whose powers are multiplied before the logarithm, each a share of 1e-8 or more."""


@lru_cache
def _mel_weights(
    sampling_rate: float, n_fft: int, n_mels: int, max_frequency: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mel filters of librosa without their zeros.

    Returns:
        The weights one band after the other, where each band's begin and the last's end
        ``(n_mels + 1,)``, and the first bin of each band ``(n_mels,)``.
    """
    with warnings.catch_warnings():
        # With a shorter transform than 1024 points, bands may be narrower than its bins.
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        filters = librosa.filters.mel(
            sr=sampling_rate, n_fft=n_fft, n_mels=n_mels, fmin=0, fmax=max_frequency
        )
    bands = [np.flatnonzero(band) for band in filters]
    ends = np.cumsum([0, *map(len, bands)])
    first = np.array([band[0] if len(band) else 0 for band in bands])
    return filters[filters > 0], ends, first


@lru_cache
def _fourier_factors(n_bins: int, n_fft: int, win_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Windowed cosines and windowed sines of folded frames, ``(2, n_bins, half)``, as products.

    The phase counts from the window's middle: of the transform only the power is used. Cosines are
    even about it and sines odd, and so half of a frame's samples, ``win_length // 2``, are enough
    of either, once those of the other half are added to them or taken from them.

    Returns:
        Shapes ``(2, n_bins, rank)`` and ``(2, half, rank)``, float32.
    """
    samples = np.arange(win_length // 2) + win_length % 2 / 2
    angles = 2 * np.pi / n_fft * np.outer(np.arange(n_bins), samples)
    window = librosa.filters.get_window("hann", win_length)[-len(samples) :].copy()
    window[samples == 0] /= 2  # The sample in the middle is its own mirror image.
    basis = np.stack([np.cos(angles), np.sin(angles)]) * window
    left, scales, right = np.linalg.svd(basis, full_matrices=False)
    rank = int((scales > np.finfo(np.float32).eps * scales.max()).sum(axis=1).max())
    thin = (left * scales[:, np.newaxis])[..., :rank], np.swapaxes(right[:, :rank], 1, 2)
    return tuple(np.ascontiguousarray(factor, np.float32) for factor in thin)


@numba.njit(cache=True)
def _fold_frames(padded, hop_length, win_length, folded):
    """Sums and differences of each frame's two halves about its middle, ``(2, frames, half)``."""
    for frame in range(folded.shape[1]):
        after = frame * hop_length + (win_length + 1) // 2
        before = frame * hop_length + win_length // 2
        for k in range(folded.shape[2]):
            later, earlier = padded[after + k], padded[before - k]
            folded[0, frame, k] = later + earlier
            folded[1, frame, k] = later - earlier


@numba.njit(cache=True)
def _mel_power(spectrum, weights, ends, first, floor, power):
    """Weigh the power of cosines and sines by the mel filters, clipped from below."""
    n_mels, n_frames = power.shape
    for band in range(n_mels):
        for frame in range(n_frames):
            power[band, frame] = 0
        for k in range(ends[band], ends[band + 1]):
            fourier = first[band] + k - ends[band]
            for frame in range(n_frames):
                power[band, frame] += weights[k] * (
                    spectrum[0, fourier, frame] ** 2 + spectrum[1, fourier, frame] ** 2
                )
        for frame in range(n_frames):
            power[band, frame] = max(power[band, frame], floor)


def _mel_powers(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    n_fft: int,
    win_length: int,
    n_mels: int,
    max_frequency: float,
    hop_length: int,
) -> np.ndarray:
    """Mel power of centred frames, clipped from below, shape ``(channels, n_mels, frames)``.

    One channel after the other, so that what lies between its samples and its bands, three times
    as much, stays in the processor's cache.
    """
    weights, ends, first = _mel_weights(sampling_rate, n_fft, n_mels, max_frequency)
    n_bins = min(int(np.ceil(max_frequency / sampling_rate * n_fft)), n_fft // 2 + 1)
    left, right = _fourier_factors(n_bins, n_fft, win_length)
    n_samples, n_frames = signals.shape[1], 1 + signals.shape[1] // hop_length
    before = n_fft // 2 - (n_fft - win_length) // 2
    padded = np.zeros(before + n_samples + win_length, np.float32)
    folded = np.empty((2, n_frames, win_length // 2), np.float32)
    spectrum = np.empty((2, n_bins, n_frames), np.float32)
    powers = np.empty((len(signals), n_mels, n_frames), np.float32)
    for signal, power in zip(signals, powers, strict=True):
        padded[before : before + n_samples] = signal
        _fold_frames(padded, hop_length, win_length, folded)
        np.matmul(left, np.swapaxes(folded @ right, 1, 2), out=spectrum)
        _mel_power(spectrum, weights, ends, first, _FLOOR, power)
    return powers


def _live(signals: np.ndarray, *, n_frames: int, hop_length: int, win_length: int) -> np.ndarray:
    """Which of the centred frames are there, shape ``(channels, n_frames)``, bool."""
    missing = np.isnan(signals)
    if not missing.any():
        return np.ones((len(signals), n_frames), bool)
    starts = np.arange(n_frames) * hop_length - win_length // 2
    return live_frames(~missing, starts, win_length)


def _reference(
    powers: np.ndarray, live: np.ndarray, reference: Reference, n_fft: int, win_length: int
) -> tuple[np.ndarray, np.float32]:
    """Power of each channel that becomes 1, and how many bel below it become -1.

    White noise of 1 microvolt squared a hertz has a mel power of ``n_fft / 2`` times the summed
    squares of the window, 3/8 a sample, since the area of each Slaney filter is 1.
    """
    if reference == "channel":
        return np.where(live, powers.max(axis=1), _FLOOR).max(axis=1), _RANGE_DB / 10
    low, high = FIXED_RANGE_DB
    unit = n_fft / 2 * 3 / 8 * win_length
    return np.full(len(powers), 10 ** (high / 10) * unit, np.float32), np.float32((high - low) / 10)


@numba.njit(cache=True)
def _multiply_clipped(powers, live, top, lowest, channels, products):
    """Multiply some of each group's live channels, as shares of their tops, clipped at both ends.

    ``channels`` counts the channels of a group and says which to take, from and to.
    """
    n_mels, n_frames, n_groups = products.shape
    n_channels, first, last = channels
    product, one = np.empty(n_frames, products.dtype), np.float32(1)
    for band in range(n_mels):
        for group in range(n_groups):
            product[:] = 1
            for channel in range(group * n_channels + first, group * n_channels + last):
                scale = one / top[channel]
                for frame in range(n_frames):
                    share = min(max(powers[channel, band, frame] * scale, lowest), one)
                    product[frame] *= share if live[channel, frame] else one
            for frame in range(n_frames):
                products[band, frame, group] = product[frame]


def _sum_of_logarithms(
    powers: np.ndarray, live: np.ndarray, top: np.ndarray, depth: np.float32, shape: tuple
) -> np.ndarray:
    """Bel of each group's live channels below their tops, summed, ``(n_mels, frames, groups)``.

    The logarithm of a product is had for a quarter of the time of four channels' logarithms. Of
    more than four the product would leave float32's range.
    """
    total, products = np.zeros(shape, np.float32), np.empty(shape, np.float32)
    n_channels, lowest = len(powers) // shape[-1], np.float32(10) ** -depth
    for first in range(0, n_channels, _N_FACTORS):
        channels = (n_channels, first, min(first + _N_FACTORS, n_channels))
        _multiply_clipped(powers, live, top, lowest, channels, products)
        total += np.log10(products, out=products)
    return total


def mean_log_mel_spectrogram(
    signals: np.ndarray,
    *,
    sampling_rate: float = SAMPLING_RATE,
    n_fft: int = N_FFT,
    win_length: int = WIN_LENGTH,
    n_mels: int = N_MELS,
    max_frequency: float = MAX_FREQUENCY,
    n_frames: int = N_FRAMES,
    reference: Reference = "channel",
) -> np.ndarray:
    """Mel power in dB, averaged over channels.

    librosa's ``melspectrogram`` (Hann window, centred frames, Slaney mel scale) with a hop of
    ``samples // n_frames``, then ``power_to_db`` against the channel's maximum with 80 dB of
    range, of which the first ``n_frames`` frames are kept and mapped to -1..1 by
    ``(dB + 40) / 40``. A channel without power has no maximum and is missing.

    Against a fixed reference, 0 dB is a spectral density of 1 microvolt squared a hertz, whatever
    the window's length; ``FIXED_RANGE_DB`` is mapped to -1..1. A channel without power is -1.

    A channel's frame is missing where more than half of its window is; the mean is over those that
    are there. Where fewer samples are missing, straight lines bridge them.

    Args:
        signals: shape ``(groups, channels, samples)``, NaN where missing.
        sampling_rate: samples a second.
        n_fft: length of the zero-padded Fourier transform, in samples.
        win_length: length of the Hann window, in samples.
        n_mels: number of mel bands between 0 Hz and ``max_frequency``.
        max_frequency: upper edge of the highest band, in Hz.
        n_frames: number of frames.
        reference: ``channel``, or ``fixed``, which keeps the amplitude of signals in microvolts.

    Returns:
        Shape ``(n_mels, n_frames, groups)``, float32, low frequencies first; NaN in frames that no
        channel of the group has.

    Raises:
        ValueError: if there are fewer samples than frames, or ``reference`` is another.
    """
    if reference not in get_args(Reference):
        raise ValueError(f"reference must be one of {get_args(Reference)}, received {reference!r}")
    n_groups, n_channels, samples = signals.shape
    if samples < n_frames:
        raise ValueError(f"at least {n_frames} samples are needed, received {samples}")
    channels, hop_length = signals.reshape(-1, samples), samples // n_frames
    powers = _mel_powers(
        bridge_gaps(channels),
        sampling_rate=sampling_rate,
        n_fft=n_fft,
        win_length=win_length,
        n_mels=n_mels,
        max_frequency=max_frequency,
        hop_length=hop_length,
    )
    shown = {"n_frames": powers.shape[2], "hop_length": hop_length, "win_length": win_length}
    live = _live(channels, **shown)
    top, depth = _reference(powers, live, reference, n_fft, win_length)
    live = live & (top > _FLOOR)[:, np.newaxis]
    scaled = _sum_of_logarithms(powers, live, top, depth, (n_mels, n_frames, n_groups))
    # Of the mean of n in bel: 0 is 1, and the range's depth below it is -1.
    n_live = live.reshape(n_groups, n_channels, -1)[..., :n_frames].sum(axis=1).T
    scaled *= np.float32(2) / (depth * np.where(n_live, n_live, np.nan).astype(np.float32))
    scaled += np.float32(1)
    # What lies at the range's end can round to beyond it; missing values stay.
    return np.clip(scaled, -1, 1, out=scaled)


def log_mel_spectrogram(signals: np.ndarray, **settings: float) -> np.ndarray:
    """``mean_log_mel_spectrogram`` of each channel by itself.

    Args:
        signals: shape ``(..., samples)``, NaN where missing.
        settings: see there.

    Returns:
        Shape ``(..., n_mels, n_frames)``, float32.
    """
    alone = signals.reshape(-1, 1, signals.shape[-1])
    spectrograms = np.moveaxis(mean_log_mel_spectrogram(alone, **settings), -1, 0)
    return spectrograms.reshape(*signals.shape[:-1], *spectrograms.shape[1:])


def mel_frequencies(n_mels: int = N_MELS, max_frequency: float = MAX_FREQUENCY) -> np.ndarray:
    """Centre of each mel band in Hz, shape ``(n_mels,)``."""
    return librosa.mel_frequencies(n_mels + 2, fmin=0, fmax=max_frequency)[1:-1]


def _centre(signals: np.ndarray, sampling_rate: float) -> np.ndarray:
    """View of the central 10.24 s."""
    samples = signals.shape[-1]
    length = round(CENTRE_SECONDS * sampling_rate)
    if samples < length:
        raise ValueError(
            f"the centre takes {CENTRE_SECONDS} s, {length} samples, received {samples}"
        )
    start = (samples - length) // 2
    return signals[..., start : start + length]


def chain_spectrograms(
    recording: Recording,
    *,
    wavelet: str | None = "db8",
    noise: Noise = "median",
    clip: float | None = None,
    notch: float | None = None,
    band_pass: tuple[float, float] | None = None,
    reference: Reference = "channel",
    centre: bool = False,
) -> np.ndarray:
    """Log-mel spectrograms of the four chains, each the mean over the chain's four pairs.

    Bipolar channels are made, clipped, notched, band-passed and denoised, in this order and once
    for both kinds of panel. What lies between two gaps is cleaned as if it were alone; see
    ``hbac.eeg.gaps``.

    Args:
        recording: one EEG window.
        wavelet: wavelet that denoises each bipolar channel, or ``None`` for no denoising.
        noise: how denoising tells the noise; see ``hbac.eeg.denoise.wavelet_denoise``.
        clip: largest amplitude left, in microvolts; see ``hbac.eeg.filters.clean``.
        notch: mains frequency to remove, in Hz.
        band_pass: edges of the pass band, in Hz.
        reference: what the dB are against; see ``mean_log_mel_spectrogram``.
        centre: whether to append the four chains of the central 10.24 s, whose frames are 40 ms
            apart and 0.32 s long.

    Returns:
        Shape ``(128 mels, 256 frames, 4 chains)``, or ``(128, 256, 8)`` with the centre's chains
        last; float32, low frequencies first; NaN in frames that none of a chain's channels has.

    Raises:
        ValueError: if an electrode is missing, the window is too short, or a setting makes no
            sense.
    """
    rate = recording.sampling_rate

    def cleaned(stretch: np.ndarray) -> np.ndarray:
        stretch = clean(stretch, sampling_rate=rate, clip=clip, notch=notch, band_pass=band_pass)
        if wavelet is None:
            return stretch
        return wavelet_denoise(stretch, wavelet=wavelet, noise=noise)

    signals = on_live_stretches(live_differences(recording), cleaned, sampling_rate=rate)
    panels = mean_log_mel_spectrogram(signals, sampling_rate=rate, reference=reference)
    if not centre:
        return panels
    close = mean_log_mel_spectrogram(
        _centre(signals, rate),
        sampling_rate=rate,
        win_length=CENTRE_WIN_LENGTH,
        reference=reference,
    )
    return np.concatenate([panels, close], axis=-1)
