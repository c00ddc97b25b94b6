"""Log-mel spectrograms of a 50-s EEG window, one a chain.

librosa defines them. Below 20 Hz they can be had faster than librosa makes them: of the
transform's 513 bins only 103 count, and those of a window of 128 samples, padded to 1024, are a
product with 103 windowed cosines and 103 sines. Below 20 Hz a window of 0.64 s tells little more
than 2 x 20 x 0.64 numbers: to float32's precision either matrix has rank 19, and two thin factors
do its work at an eighth of the cost, the first on frames that are folded about their middle.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Literal, get_args

import librosa
import numba
import numpy as np

from hbac.eeg.denoise import Noise, wavelet_denoise
from hbac.eeg.filters import clean
from hbac.eeg.gaps import bridge_gaps, live_differences, live_frames, on_live_stretches
from hbac.eeg.recording import SAMPLING_RATE, Recording
from hbac.eeg.shape import CENTRE_SECONDS, MAX_FREQUENCY, N_FRAMES, N_MELS

N_FFT = 1024
WIN_LENGTH = 128

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


def _count_bins(sampling_rate: float, n_fft: int, max_frequency: float) -> int:
    """Count the transform's bins below a frequency; two or more."""
    return max(min(int(np.ceil(max_frequency / sampling_rate * n_fft)), n_fft // 2 + 1), 2)


@lru_cache
def _mel_weights(
    sampling_rate: float, n_fft: int, n_mels: int, max_frequency: float
) -> tuple[np.ndarray, np.ndarray]:
    """The mel filters of librosa without most of their zeros.

    Returns:
        The weights of each band's bins, ``(n_mels, bins)``, two or more and as many as the widest
        band has, and the first bin of each, ``(n_mels,)``.
    """
    with warnings.catch_warnings():
        # With a shorter transform than 1024 points, bands may be narrower than its bins.
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        filters = librosa.filters.mel(
            sr=sampling_rate, n_fft=n_fft, n_mels=n_mels, fmin=0, fmax=max_frequency
        )
    used = filters > 0
    widest = max(used.sum(axis=1).max(), 2)
    last = _count_bins(sampling_rate, n_fft, max_frequency) - widest
    first = np.minimum(used.argmax(axis=1), last)
    return np.take_along_axis(filters, first[:, np.newaxis] + np.arange(widest), axis=1), first


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
    """Sums and differences of each frame's two halves about its middle, ``(2, frames, half)``.

    An index that could be negative, in which case Python counts from the end, keeps a loop from
    vectors: hence the unsigned ones.
    """
    for frame in range(folded.shape[1]):
        before = np.uint64(frame * hop_length + win_length // 2)
        after = np.uint64(frame * hop_length + (win_length + 1) // 2)
        for k in range(np.uint64(folded.shape[2])):
            folded[0, frame, k] = padded[after + k] + padded[before - k]
            folded[1, frame, k] = padded[after + k] - padded[before - k]


@numba.njit(cache=True)
def _mel_power(spectrum, weights, first, power, loudest):
    """Weigh the power of cosines and sines by the mel filters, and find each frame's loudest band.

    What ``spectrum`` held is lost.
    """
    n_mels, n_frames = power.shape
    for fourier in range(spectrum.shape[1]):
        for frame in range(n_frames):
            cosine, sine = spectrum[0, fourier, frame], spectrum[1, fourier, frame]
            spectrum[0, fourier, frame] = cosine * cosine + sine * sine
    loudest[:] = 0
    for band in range(n_mels):
        bins, weight, of_band = spectrum[0, first[band] :], weights[band], power[band]
        for frame in range(n_frames):
            of_band[frame] = weight[0] * bins[0, frame] + weight[1] * bins[1, frame]
        for k in range(2, len(weight)):
            for frame in range(n_frames):
                of_band[frame] += weight[k] * bins[k, frame]
        for frame in range(n_frames):
            loudest[frame] = max(loudest[frame], of_band[frame])


def _mel_powers(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    n_fft: int,
    win_length: int,
    n_mels: int,
    max_frequency: float,
    hop_length: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mel power of each channel's centred frames.

    One channel after the other, in the same memory, so that what lies between its samples and its
    bands, three times as much, stays in the processor's cache.

    Yields:
        The power, shape ``(n_mels, frames)``, and that of each frame's loudest band,
        ``(frames,)``, float32; they last until the next.
    """
    weights, first = _mel_weights(sampling_rate, n_fft, n_mels, max_frequency)
    n_bins = _count_bins(sampling_rate, n_fft, max_frequency)
    left, right = _fourier_factors(n_bins, n_fft, win_length)
    n_samples, n_frames = signals.shape[1], 1 + signals.shape[1] // hop_length
    before = n_fft // 2 - (n_fft - win_length) // 2
    padded = np.zeros(before + n_samples + win_length, np.float32)
    folded = np.empty((2, n_frames, win_length // 2), np.float32)
    parts = np.empty((2, right.shape[2], n_frames), np.float32)
    spectrum = np.empty((2, n_bins, n_frames), np.float32)
    power, loudest = np.empty((n_mels, n_frames), np.float32), np.empty(n_frames, np.float32)
    for signal in signals:
        padded[before : before + n_samples] = signal
        _fold_frames(padded, hop_length, win_length, folded)
        # BLAS takes longer over a matrix that is turned round than it takes to turn it first.
        parts[:] = np.swapaxes(folded @ right, 1, 2)
        np.matmul(left, parts, out=spectrum)
        _mel_power(spectrum, weights, first, power, loudest)
        yield power, loudest


def _live(signals: np.ndarray, *, n_frames: int, hop_length: int, win_length: int) -> np.ndarray:
    """Which of the centred frames are there, shape ``(channels, n_frames)``, bool."""
    missing = np.isnan(signals)
    if not missing.any():
        return np.ones((len(signals), n_frames), bool)
    starts = np.arange(n_frames) * hop_length - win_length // 2
    return live_frames(~missing, starts, win_length)


def _fixed_top(n_fft: int, win_length: int) -> np.float32:
    """Mel power that becomes 1 against the fixed reference.

    White noise of 1 microvolt squared a hertz has a mel power of ``n_fft / 2`` times the summed
    squares of the window, 3/8 a sample, since the area of each Slaney filter is 1.
    """
    return np.float32(10 ** (FIXED_RANGE_DB[1] / 10) * n_fft / 2 * 3 / 8 * win_length)


@numba.njit(cache=True)
def _multiply_clipped(power, live, top, lowest, product):
    """Multiply by a channel's live frames, as shares of its top, clipped at both ends.

    No power is below the floor.
    """
    one = np.float32(1)
    scale = one / top
    lowest = max(lowest, _FLOOR * scale)
    for band in range(product.shape[0]):
        for frame in range(product.shape[1]):
            share = min(max(power[band, frame] * scale, lowest), one)
            product[band, frame] *= share if live[frame] else one


def _add_bel_below_tops(
    bel: np.ndarray,
    powers: Iterable[tuple[np.ndarray, np.ndarray]],
    live: np.ndarray,
    fixed_top: np.float32 | None,
    depth: np.float32,
) -> None:
    """Add to ``bel`` how far below their tops a group's channels are, frame by frame.

    The logarithm of a product is had for a quarter of the time of four channels' logarithms. Of
    more than four the product would leave float32's range.

    Args:
        bel: shape ``(n_mels, n_frames)``.
        powers: of the group's channels; see ``_mel_powers``.
        live: which of their frames are there, ``(channels, frames)``; a channel without power is
            taken out.
        fixed_top: power that is 0 bel, or None where it is each channel's own maximum.
        depth: bel that are told apart.
    """
    product, lowest = np.ones_like(bel), np.float32(10) ** -depth
    for n_done, (there, (power, loudest)) in enumerate(zip(live, powers, strict=True), 1):
        top = loudest[there].max(initial=_FLOOR) if fixed_top is None else fixed_top
        there &= top > _FLOOR
        _multiply_clipped(power, there, top, lowest, product)
        if n_done % _N_FACTORS == 0 or n_done == len(live):
            bel += np.log10(product, out=product)
            product.fill(1)


@numba.njit(cache=True)
def _to_pixels(bel, per_bel, pixels):
    """Map bel below the tops to -1..1, groups last; NaN where ``per_bel`` is."""
    one = np.float32(1)
    for band in range(pixels.shape[0]):
        for group in range(pixels.shape[2]):
            row, scale = bel[group, band], per_bel[group]
            for frame in range(pixels.shape[1]):
                pixel = row[frame] * scale[frame] + one
                # What lies at the range's end can round to beyond it.
                pixels[band, frame, group] = -one if pixel < -one else pixel


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
    shown = {"hop_length": hop_length, "win_length": win_length}
    live = _live(channels, n_frames=1 + samples // hop_length, **shown)
    live = live.reshape(n_groups, n_channels, -1)
    powers = _mel_powers(
        bridge_gaps(channels),
        sampling_rate=sampling_rate,
        n_fft=n_fft,
        n_mels=n_mels,
        max_frequency=max_frequency,
        **shown,
    )
    low, high = FIXED_RANGE_DB
    fixed = reference == "fixed"
    top = _fixed_top(n_fft, win_length) if fixed else None
    depth = np.float32((high - low) / 10) if fixed else _RANGE_DB / 10
    bel = np.zeros((n_groups, n_mels, n_frames), np.float32)
    for of_group, there in zip(bel, live, strict=True):
        _add_bel_below_tops(of_group, islice(powers, n_channels), there, top, depth)
    n_live = live[..., :n_frames].sum(axis=1)
    # Of the mean of n in bel: 0 is 1, and the range's depth below it is -1.
    per_bel = np.float32(2) / (depth * np.where(n_live, n_live, np.nan).astype(np.float32))
    pixels = np.empty((n_mels, n_frames, n_groups), np.float32)
    _to_pixels(bel, per_bel, pixels)
    return pixels


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
