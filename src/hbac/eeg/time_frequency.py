"""The spectrogram panels of a 50-s EEG window: by which transform, of which channels.

``hbac.eeg.spectrogram`` makes the log-mel spectrograms of the chains. Here the other kinds join
them, and panels in which each of the 16 channels stands by itself. All are stored alike: a chain
has 128 rows, of its own or of its four channels, 32 each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from hbac.eeg.denoise import Noise, wavelet_denoise
from hbac.eeg.filters import clean, without_baseline
from hbac.eeg.gaps import (
    bridge_gaps,
    live_average,
    live_differences,
    live_frames,
    on_live_stretches,
)
from hbac.eeg.montage import CHAINS, N_CHAIN_CHANNELS, Montage, channel_names
from hbac.eeg.multitaper import frame_starts, multitaper_power
from hbac.eeg.recording import Recording
from hbac.eeg.shape import (
    AS_FIRST,
    CENTRE_SECONDS,
    MAX_FREQUENCY,
    N_FRAMES,
    N_MELS,
    Channels,
)
from hbac.eeg.spectrogram import (
    CENTRE_WIN_LENGTH,
    FIXED_RANGE_DB,
    WIN_LENGTH,
    Reference,
    chain_spectrograms,
    mean_log_mel_spectrogram,
)
from hbac.eeg.wavelet_power import morlet_power, superlet_power

Kind = Literal["mel", "multitaper", "cwt", "superlet"]
"""Short-time Fourier transform in mel bands; multitaper; Morlet wavelets; superlets."""

_LIVE: dict[str, Any] = {"bipolar": live_differences, "average": live_average}
_WAVELETS = {"cwt": morlet_power, "superlet": superlet_power}
_LARGEST_RANGE_DB = 80.0
_LEAST_POWER = 1e-10


@dataclass(frozen=True)
class _Stretch:
    """What of the window is cut into frames.

    Attributes:
        seconds: begin and end.
        mel_samples: of a Hann window there. Where more than half of so many samples is missing, a
            frame is, whatever its kind.
        taper_seconds: of a multitaper's window.
    """

    seconds: tuple[float, float]
    mel_samples: int
    taper_seconds: float


def _stretches(duration: float, centre: bool) -> list[_Stretch]:
    whole = _Stretch((0.0, duration), WIN_LENGTH, 2.0)
    if not centre:
        return [whole]
    if duration < CENTRE_SECONDS:
        raise ValueError(f"the centre takes {CENTRE_SECONDS} s, received {duration:g} s")
    middle, half = duration / 2, CENTRE_SECONDS / 2
    return [whole, _Stretch((middle - half, middle + half), CENTRE_WIN_LENGTH, 1.0)]


def _cleaned(
    recording: Recording,
    montage: Montage,
    *,
    wavelet: str | None,
    noise: Noise,
    **cleaning: Any,
) -> np.ndarray:
    """Channels ``(4 chains, 4, samples)``, NaN where missing, without offset or drift."""
    rate = recording.sampling_rate

    def cleaned(stretch: np.ndarray) -> np.ndarray:
        if cleaning["clip"] is None and cleaning["band_pass"] is None:
            stretch = without_baseline(stretch, sampling_rate=rate)
        stretch = clean(stretch, sampling_rate=rate, **cleaning)
        if wavelet is None:
            return stretch
        return wavelet_denoise(stretch, wavelet=wavelet, noise=noise)

    return on_live_stretches(_LIVE[montage](recording), cleaned, sampling_rate=rate)


def _densities(
    signals: np.ndarray,
    kind: Kind,
    stretches: Sequence[_Stretch],
    *,
    sampling_rate: float,
    n_rows: int,
) -> list[np.ndarray]:
    """Power density by stretch, shape ``(channels, rows, frames)``, of channels without NaN."""
    shown = {
        "sampling_rate": sampling_rate,
        "frequencies": row_frequencies(n_rows),
        "n_frames": N_FRAMES,
    }
    if kind in _WAVELETS:
        seconds = [stretch.seconds for stretch in stretches]
        return _WAVELETS[kind](signals, stretches=seconds, **shown)
    tapered = partial(multitaper_power, signals, **shown)
    return [tapered(stretch=each.seconds, window_seconds=each.taper_seconds) for each in stretches]


def _scaled(power: np.ndarray, live: np.ndarray, reference: Reference) -> np.ndarray:
    """Decibels mapped to -1..1 and averaged over channels that are there.

    Args:
        power: shape ``(groups, channels, rows, frames)``.
        live: shape ``(groups, channels, 1, frames)``.
        reference: what -1 and 1 are; see ``hbac.eeg.spectrogram``.

    Returns:
        Shape ``(rows, frames, groups)``, float32; NaN where no channel of a group is there.
    """
    decibels = 10 * np.log10(np.maximum(power, np.float32(_LEAST_POWER)))
    if reference == "fixed":
        low, high = FIXED_RANGE_DB
    else:
        high = np.where(live, decibels, 10 * np.log10(_LEAST_POWER)).max(axis=(2, 3), keepdims=True)
        low, live = high - _LARGEST_RANGE_DB, live & (high > 10 * np.log10(_LEAST_POWER))
    levels = np.clip(2 * (decibels - low) / (high - low) - 1, -1, 1)
    n_live = live.sum(axis=1)
    mean = np.where(live, levels, 0).sum(axis=1) / np.where(n_live, n_live, np.nan)
    return np.moveaxis(mean, 0, -1).astype(np.float32)


def _mel_panels(
    signals: np.ndarray, stretch: _Stretch, *, sampling_rate: float, n_rows: int, **scale: Any
) -> np.ndarray:
    """Log-mel panels of groups of channels, shape ``(rows, frames, groups)``."""
    part = slice(*(round(edge * sampling_rate) for edge in stretch.seconds))
    return mean_log_mel_spectrogram(
        signals[..., part],
        sampling_rate=sampling_rate,
        n_mels=n_rows,
        win_length=stretch.mel_samples,
        **scale,
    )


def _live_frames(signals: np.ndarray, stretch: _Stretch, sampling_rate: float) -> np.ndarray:
    """Which frames are there, shape ``(groups, channels, 1, frames)``."""
    length = stretch.mel_samples
    starts = frame_starts(stretch.seconds, N_FRAMES, length, sampling_rate)
    return live_frames(~np.isnan(signals), starts, length)[:, :, np.newaxis]


def _panels(
    signals: np.ndarray,
    kind: Kind,
    stretches: Sequence[_Stretch],
    *,
    reference: Reference,
    **shown: Any,
) -> list[np.ndarray]:
    """By stretch, panels of groups of channels, shape ``(rows, frames, groups)``.

    Args:
        signals: shape ``(groups, channels, samples)``, NaN where missing.
        kind: of the transform.
        stretches: what is shown.
        reference: what -1 and 1 are.
        shown: ``sampling_rate`` and ``n_rows``.
    """
    *grouped, samples = signals.shape
    if samples < N_FRAMES:
        raise ValueError(f"at least {N_FRAMES} samples are needed, received {samples}")
    if kind == "mel":
        return [_mel_panels(signals, each, reference=reference, **shown) for each in stretches]
    powers = _densities(bridge_gaps(signals.reshape(-1, samples)), kind, stretches, **shown)
    return [
        _scaled(
            power.reshape(*grouped, *power.shape[1:]),
            _live_frames(signals, each, shown["sampling_rate"]),
            reference,
        )
        for each, power in zip(stretches, powers, strict=True)
    ]


def _below_one_another(panels: np.ndarray) -> np.ndarray:
    """Put the four channels of each chain into its 128 rows, front to back."""
    rows, frames, _ = panels.shape
    of_chain = panels.reshape(rows, frames, len(CHAINS), N_CHAIN_CHANNELS)
    return np.moveaxis(of_chain, -1, 0).reshape(-1, frames, len(CHAINS))


def channel_panels(panels: np.ndarray, *, montage: Montage = "bipolar") -> dict[str, np.ndarray]:
    """Take the panels of all channels apart again.

    Args:
        panels: as ``window_spectrograms`` makes them of ``all`` channels, of the window or of its
            centre, shape ``(128, 256, 4)``.
        montage: of which channels.

    Returns:
        By channel, chain by chain and front to back, shape ``(32, 256)``.
    """
    names = [name for chain in CHAINS for name in channel_names(chain, montage)]
    parts = np.moveaxis(panels, -1, 0).reshape(len(names), -1, panels.shape[1])
    return dict(zip(names, parts, strict=True))


def _check(**chosen: tuple[Any, Any]) -> None:
    for name, (value, known) in chosen.items():
        if value not in get_args(known):
            raise ValueError(f"{name} must be one of {get_args(known)}, received {value!r}")


def row_frequencies(n_rows: int) -> np.ndarray:
    """Middle of each row in Hz, shape ``(n_rows,)``: equal parts of 0 to 20 Hz."""
    return (np.arange(n_rows) + 0.5) * MAX_FREQUENCY / n_rows


def window_spectrograms(
    recording: Recording,
    *,
    kind: Kind = "mel",
    channels: Channels = "chains",
    montage: Montage = "bipolar",
    wavelet: str | None = "db8",
    noise: Noise = "median",
    clip: float | None = None,
    notch: float | None = None,
    band_pass: tuple[float, float] | None = None,
    reference: Reference = "channel",
    centre: bool = False,
) -> np.ndarray:
    """Make the spectrogram panels of one EEG window.

    Channels are made, cleaned and denoised as for ``hbac.eeg.chain_spectrograms``, which makes the
    mel panels of the bipolar chains. All others lose their channels' offset and drift as well where
    neither ``clip`` nor ``band_pass`` takes it away. Frames are equal parts of the stretch; of all
    kinds but mel a row is an equal part of 0 to 20 Hz.

    Args:
        recording: the window.
        kind: ``mel``; ``multitaper`` (see ``hbac.eeg.multitaper``; windows of 2 s, of 1 s in the
            centre); ``cwt`` and ``superlet`` (see ``hbac.eeg.wavelet_power``).
        channels: ``chains``, the mean over each chain's four channels; or ``all``, each by itself.
        montage: ``bipolar``, neighbours along a chain; or ``average``, electrodes against the
            common average (see ``hbac.eeg.montage.common_average``).
        wavelet: of ``hbac.eeg.denoise.wavelet_denoise``, or None.
        noise: see there.
        clip: see ``hbac.eeg.filters.clean``.
        notch: see there.
        band_pass: see there.
        reference: ``channel``, each channel's own maximum; or ``fixed``, 1 microvolt squared a
            hertz. See ``hbac.eeg.spectrogram.mean_log_mel_spectrogram``.
        centre: whether to append the panels of the central 10.24 s.

    Returns:
        Shape ``(128, 256, 4)``, or ``(128, 256, 8)`` with the centre's last, float32, within -1 to
        1: frequencies rise along the rows; of ``all`` channels the first 32 rows are a chain's
        front channel. NaN in frames that no channel has.

    Raises:
        ValueError: if an electrode is missing, the recording is bipolar already and the montage is
            not, the window is too short, or a setting makes no sense.
    """
    _check(
        kind=(kind, Kind),
        channels=(channels, Channels),
        montage=(montage, Montage),
        reference=(reference, Reference),
    )
    cleaning = {"clip": clip, "notch": notch, "band_pass": band_pass}
    denoising = {"wavelet": wavelet, "noise": noise}
    if {"kind": kind, "channels": channels, "montage": montage} == AS_FIRST:
        return chain_spectrograms(
            recording, **denoising, **cleaning, reference=reference, centre=centre
        )
    stretches = _stretches(recording.duration, centre)
    signals = _cleaned(recording, montage, **denoising, **cleaning)
    rate, n_rows = recording.sampling_rate, N_MELS
    if channels == "all":
        signals, n_rows = signals.reshape(-1, 1, signals.shape[-1]), N_MELS // N_CHAIN_CHANNELS
    made = _panels(signals, kind, stretches, sampling_rate=rate, n_rows=n_rows, reference=reference)
    if channels == "all":
        made = [_below_one_another(panels) for panels in made]
    return np.concatenate(made, axis=-1)
