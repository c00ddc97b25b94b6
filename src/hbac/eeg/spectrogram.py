"""Log-mel spectrograms of a 50-s EEG window, one a chain."""

from __future__ import annotations

import warnings

import librosa
import numpy as np

from hbac.eeg.denoise import fill_missing, wavelet_denoise
from hbac.eeg.montage import chain_differences
from hbac.eeg.recording import SAMPLING_RATE, Recording

WINDOW_SECONDS = 50
"""Length of an EEG window; a label speaks of its central 10 s."""

N_MELS = 128
N_FRAMES = 256
MAX_FREQUENCY = 20.0
N_FFT = 1024
WIN_LENGTH = 128

_FLOOR = 1e-10
_DYNAMIC_RANGE_DB = 80.0


def log_mel_spectrogram(
    signals: np.ndarray,
    *,
    sampling_rate: float = SAMPLING_RATE,
    n_fft: int = N_FFT,
    win_length: int = WIN_LENGTH,
    n_mels: int = N_MELS,
    max_frequency: float = MAX_FREQUENCY,
    n_frames: int = N_FRAMES,
) -> np.ndarray:
    """Mel power in dB against each channel's own maximum, scaled to -1..1.

    librosa's ``melspectrogram`` (Hann window, centred frames, Slaney mel scale) with a hop of
    ``samples // n_frames``, then ``power_to_db`` against the channel's maximum with 80 dB of
    range, of which the first ``n_frames`` frames are kept and mapped by ``(dB + 40) / 40``.
    A channel without power is 0 dB everywhere, hence 1.

    Args:
        signals: shape ``(..., samples)``, no NaN.
        sampling_rate: samples a second.
        n_fft: length of the zero-padded Fourier transform, in samples.
        win_length: length of the Hann window, in samples.
        n_mels: number of mel bands between 0 Hz and ``max_frequency``.
        max_frequency: upper edge of the highest band, in Hz.
        n_frames: number of frames.

    Returns:
        Shape ``(..., n_mels, n_frames)``, float32.

    Raises:
        ValueError: if there are fewer samples than frames.
    """
    samples = signals.shape[-1]
    if samples < n_frames:
        raise ValueError(f"at least {n_frames} samples are needed, received {samples}")
    with warnings.catch_warnings():
        # 128 bands below 20 Hz are narrower than the bins of a 1024-point transform.
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        power = librosa.feature.melspectrogram(
            y=signals,
            sr=sampling_rate,
            hop_length=samples // n_frames,
            n_fft=n_fft,
            win_length=win_length,
            n_mels=n_mels,
            fmin=0,
            fmax=max_frequency,
        )
    peak = power.max(axis=(-2, -1), keepdims=True)
    decibel = 10 * (np.log10(np.maximum(power, _FLOOR)) - np.log10(np.maximum(peak, _FLOOR)))
    # The range below the peak counts from the loudest frame of all, as librosa counts it.
    decibel = np.maximum(decibel, decibel.max(axis=(-2, -1), keepdims=True) - _DYNAMIC_RANGE_DB)
    return ((decibel[..., :n_frames] + 40) / 40).astype(np.float32)


def mel_frequencies(n_mels: int = N_MELS, max_frequency: float = MAX_FREQUENCY) -> np.ndarray:
    """Centre of each mel band in Hz, shape ``(n_mels,)``."""
    return librosa.mel_frequencies(n_mels + 2, fmin=0, fmax=max_frequency)[1:-1]


def chain_spectrograms(recording: Recording, *, wavelet: str | None = "db8") -> np.ndarray:
    """Log-mel spectrograms of the four chains, each the mean over the chain's four pairs.

    Args:
        recording: one EEG window.
        wavelet: wavelet that denoises each bipolar channel, or ``None`` for no denoising.

    Returns:
        Shape ``(128 mels, 256 frames, 4 chains)``, float32, low frequencies first.

    Raises:
        ValueError: if an electrode is missing or the window is too short.
    """
    signals = fill_missing(chain_differences(recording))
    if wavelet is not None:
        signals = wavelet_denoise(signals, wavelet=wavelet)
    spectrograms = log_mel_spectrogram(signals, sampling_rate=recording.sampling_rate)
    return np.moveaxis(spectrograms.mean(axis=1), 0, -1)
