"""Log-mel spectrograms of a 50-s EEG window, one a chain.

librosa defines them; ``hbac.eeg.mel`` makes their power.
"""

from __future__ import annotations

from typing import Literal, get_args

import librosa
import numba
import numpy as np

from hbac.eeg.denoise import Noise, wavelet_denoise
from hbac.eeg.filters import clean
from hbac.eeg.gaps import (
    any_missing,
    bridge_gaps,
    live_differences,
    live_frames,
    on_live_stretches,
)
from hbac.eeg.mel import MelTransform, Workspace, mel_transform, multiply_shares
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

_RANGE_DB = np.float32(80)

_N_FACTORS = 4
"""Channels whose powers are multiplied before the logarithm, each a share of 1e-8 or more."""


def _live(signals: np.ndarray, *, n_frames: int, hop_length: int, win_length: int) -> np.ndarray:
    """Which of the centred frames are there, shape ``(channels, n_frames)``, bool."""
    if not any_missing(signals):
        return np.ones((len(signals), n_frames), bool)
    starts = np.arange(n_frames) * hop_length - win_length // 2
    return live_frames(~np.isnan(signals), starts, win_length)


def _fixed_top(n_fft: int, win_length: int) -> np.float32:
    """Mel power that becomes 1 against the fixed reference.

    White noise of 1 microvolt squared a hertz has a mel power of ``n_fft / 2`` times the summed
    squares of the window, 3/8 a sample, since the area of each Slaney filter is 1.
    """
    return np.float32(10 ** (FIXED_RANGE_DB[1] / 10) * n_fft / 2 * 3 / 8 * win_length)


def _fill_bel_below_tops(
    bel: np.ndarray,
    signals: np.ndarray,
    live: np.ndarray,
    transform: MelTransform,
    workspace: Workspace,
    fixed_top: np.float32,
    depth: np.float32,
) -> None:
    """Set ``bel`` to how far below their tops a group's channels are together, frame by frame.

    The logarithm of a product is had for a quarter of the time of four channels' logarithms. Of
    more than four the product would leave float32's range.

    Args:
        bel: shape ``(n_mels, n_frames)``.
        signals: the group's channels, ``(channels, samples)``, no NaN.
        live: which of their frames are there, ``(channels, frames)``; a channel without power is
            taken out.
        transform: what makes mel powers of them.
        workspace: what lies between.
        fixed_top: power that is 0 bel, or 0 where it is each channel's own maximum.
        depth: bel that are told apart.
    """
    product, lowest = np.empty_like(bel), np.float32(10) ** -depth
    for start in range(0, len(signals), _N_FACTORS):
        some = slice(start, start + _N_FACTORS)
        product.fill(1)
        multiply_shares(signals[some], live[some], transform, fixed_top, lowest, workspace, product)
        if start:
            bel += np.log10(product, out=product)
        else:
            np.log10(product, out=bel)


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
    n_centred = 1 + samples // hop_length
    live = _live(channels, n_frames=n_centred, hop_length=hop_length, win_length=win_length)
    live = live.reshape(n_groups, n_channels, -1)
    whole = np.ascontiguousarray(bridge_gaps(channels), np.float32).reshape(signals.shape)
    transform = mel_transform(
        sampling_rate=sampling_rate,
        n_fft=n_fft,
        win_length=win_length,
        n_mels=n_mels,
        max_frequency=max_frequency,
        hop_length=hop_length,
    )
    workspace = Workspace.of(transform, n_centred)
    low, high = FIXED_RANGE_DB
    fixed = reference == "fixed"
    top = _fixed_top(n_fft, win_length) if fixed else np.float32(0)
    depth = np.float32((high - low) / 10) if fixed else _RANGE_DB / 10
    bel = np.empty((n_groups, n_mels, n_frames), np.float32)
    for of_group, group, there in zip(bel, whole, live, strict=True):
        _fill_bel_below_tops(of_group, group, there, transform, workspace, top, depth)
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
