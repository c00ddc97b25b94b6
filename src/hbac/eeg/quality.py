"""How good a recording is, channel by channel: gaps, amplitude, dead electrodes, mains hum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import scipy

from hbac.eeg.filters import without_baseline
from hbac.eeg.gaps import bridge_gaps
from hbac.eeg.montage import chain_differences
from hbac.eeg.recording import Recording
from hbac.eeg.spectra import SEGMENT_SECONDS, power_density

HIGH_PASS = 0.5
"""Edge in Hz of the high-pass before amplitudes are measured."""

AMPLITUDE_PERCENTILE = 95

FLAT_MICROVOLTS = 1.0
"""Peak to peak, in one second. Even an electrode on an inactive brain shows up to 2 microvolts."""

EXTREME_MICROVOLTS = 500.0
"""Amplitude of EEG beyond which a second is taken for an artefact, and the recipe ``strong``
clips."""

EXTREME_EKG_MICROVOLTS = 5000.0
"""The same for the EKG, ten times as large as EEG."""

MAINS = (50, 60)
"""Frequencies of power lines, in Hz."""

STRONG_HUM = 10.0
"""Decibels above its neighbours from which the line hides EEG in a trace."""

MEASURES = {
    "missing_share": "share of samples that are missing",
    "amplitude_uv": "95th percentile of the absolute amplitude above 0.5 Hz, in microvolts",
    "flat_share": "share of seconds that span less than 1 microvolt",
    "extreme_share": "share of seconds beyond 500 microvolts (EKG: 5000)",
    "clipped_share": "share of samples beyond 500 microvolts (EKG: 5000) of the channel's baseline",
    "hum_50_db": "power within 1 Hz of 50 Hz over that 2 to 5 Hz away, in dB",
    "hum_60_db": "power within 1 Hz of 60 Hz over that 2 to 5 Hz away, in dB",
}
"""Columns of ``channel_quality`` and what they hold."""

_HALF_BAND = 1.0
_NEIGHBOURS = (2.0, 5.0)


@lru_cache
def _coefficients(sampling_rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numerator, denominator = scipy.signal.butter(2, HIGH_PASS, "highpass", fs=sampling_rate)
    return numerator, denominator, scipy.signal.lfilter_zi(numerator, denominator)


def _high_pass(signal: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Filter forwards alone: amplitudes need no phase, and both ways take far longer."""
    numerator, denominator, settled = _coefficients(sampling_rate)
    filled = bridge_gaps(signal).astype(float)
    return scipy.signal.lfilter(numerator, denominator, filled, zi=settled * filled[0])[0]


def _whole_seconds(signal: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Cut into seconds, shape (seconds, samples), and leave out those with a gap."""
    length = round(sampling_rate)
    seconds = signal[: signal.size // length * length].reshape(-1, length)
    return seconds[~np.isnan(seconds).any(axis=1)]


def _share(is_so: np.ndarray) -> float:
    return float(is_so.mean()) if is_so.size else np.nan


def hum_decibels(frequencies: np.ndarray, density: np.ndarray, mains: float) -> np.ndarray:
    """Compare the power at a mains frequency with that of its neighbours.

    Mean density within 1 Hz of the line over mean density 2 to 5 Hz away on either side: 0 dB
    without hum, negative where a notch has been. Ratios of this kind are the usual measure of line
    noise (Klug and Kloosterman, "Zapline-plus", Human Brain Mapping 43, 2022).

    Args:
        frequencies: in Hz, shape ``(frequencies,)``.
        density: shape ``(..., frequencies)``; see ``hbac.eeg.spectra.power_density``.
        mains: frequency of the line, in Hz.

    Returns:
        Decibels, shape ``(...)``; NaN where there is no density or power, or the frequencies end
        below the line's upper neighbours.
    """
    if frequencies[-1] < mains + _NEIGHBOURS[1]:
        return np.full(density.shape[:-1], np.nan)
    distance = np.abs(frequencies - mains)
    beside = (distance >= _NEIGHBOURS[0]) & (distance <= _NEIGHBOURS[1])
    line = density[..., distance <= _HALF_BAND].mean(axis=-1)
    around = density[..., beside].mean(axis=-1)
    known = (line > 0) & (around > 0)
    return 10 * np.log10(np.divide(line, around, out=np.full_like(line, np.nan), where=known))


def _hums(signals: np.ndarray, sampling_rate: float) -> list[np.ndarray]:
    """Decibels at each of ``MAINS``."""
    if signals.shape[-1] < SEGMENT_SECONDS * sampling_rate:
        return [np.full(signals.shape[:-1], np.nan)] * len(MAINS)
    frequencies, density = power_density(signals, sampling_rate=sampling_rate)
    return [hum_decibels(frequencies, density, mains) for mains in MAINS]


def _clipped_share(signal: np.ndarray, sampling_rate: float, limit: float) -> float:
    """Share of the samples that are there which a clip at the limit would change."""
    deviation = without_baseline(bridge_gaps(signal), sampling_rate=sampling_rate)
    return _share(np.abs(deviation[~np.isnan(signal)]) > limit)


def _measure(signal: np.ndarray, sampling_rate: float, limit: float) -> list[float]:
    """One channel's ``MEASURES``."""
    missing = np.isnan(signal)
    if missing.all():
        return [1.0] + [np.nan] * (len(MEASURES) - 1)
    absolute = np.where(missing, np.nan, np.abs(_high_pass(signal, sampling_rate)))
    return [
        missing.mean(),
        np.percentile(absolute[~missing], AMPLITUDE_PERCENTILE),
        _share(np.ptp(_whole_seconds(signal, sampling_rate), axis=1) < FLAT_MICROVOLTS),
        _share(_whole_seconds(absolute, sampling_rate).max(axis=1, initial=0) > limit),
        _clipped_share(signal, sampling_rate, limit),
        *(float(hum) for hum in _hums(signal, sampling_rate)),
    ]


def channel_quality(recording: Recording) -> pd.DataFrame:
    """Measure the quality of each channel, over the whole recording.

    Amplitude is a high percentile, since a maximum speaks of one artefact alone, after a
    Butterworth high-pass of order 2 at 0.5 Hz, which takes away the electrodes' offsets and slow
    drifts. Flat and extreme seconds are the usual signs of a dead and of a loose electrode
    (Bigdely-Shamlo et al., "The PREP pipeline", Frontiers in Neuroinformatics 9, 2015); only
    seconds without a gap count. Clipped is what ``hbac.eeg.filters.clean`` would change at the
    same limit, offset and slow drift taken away. Hum is measured on the channel as it is; see
    ``hum_decibels``.

    Args:
        recording: EEG against any reference, and EKG.

    Returns:
        A row a channel (index ``channel``) and the columns ``MEASURES``; all but ``missing_share``
        are NaN for a channel without a sample, or without a whole second or 4 s to measure on.
    """
    rows = [
        _measure(
            signal,
            recording.sampling_rate,
            EXTREME_EKG_MICROVOLTS if name == "EKG" else EXTREME_MICROVOLTS,
        )
        for name, signal in zip(recording.channels, recording.data, strict=True)
    ]
    index = pd.Index(recording.channels, name="channel")
    return pd.DataFrame(rows, index, columns=list(MEASURES), dtype=float)


def mains_to_remove(recording: Recording) -> int | None:
    """Say which mains frequency hides EEG in the bipolar montage.

    Args:
        recording: EEG with at least the electrodes of the four chains.

    Returns:
        One of ``MAINS`` where two of the 16 bipolar channels or more, as many as one electrode
        spoils, stand out by ``STRONG_HUM`` at it; that with more of them if both do; else ``None``.

    Raises:
        ValueError: if an electrode of a chain is missing.
    """
    signals = chain_differences(recording).reshape(-1, recording.data.shape[1])
    hums = np.nan_to_num(np.stack(_hums(signals, recording.sampling_rate)), nan=-np.inf)
    strong = (hums >= STRONG_HUM).sum(axis=1)
    worst = int(strong.argmax())
    return MAINS[worst] if strong[worst] > 1 else None
