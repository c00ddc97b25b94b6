"""Bipolar channels as a network takes them: cleaned, resampled and in units of typical EEG."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy

from hbac.eeg.filters import clean, without_baseline
from hbac.eeg.gaps import bridge_gaps, live_differences, on_live_stretches
from hbac.eeg.montage import BIPOLAR_PAIRS
from hbac.eeg.recording import Recording

BIPOLAR_CHANNELS = tuple(pair for pairs in BIPOLAR_PAIRS.values() for pair in pairs)
"""Electrode pairs of the 16 channels, four a chain, chains in the order LL, RL, LP, RP."""

N_BIPOLAR = len(BIPOLAR_CHANNELS)

MIRRORED_CHANNELS = np.arange(N_BIPOLAR).reshape(2, 2, 4)[:, ::-1].ravel()
"""Channel whose place each one takes when left and right are swapped: LL with RL, LP with RP."""

UNIT_MICROVOLTS = 20.0
"""Microvolts that become 1. Between 0.5 and 20 Hz, the standard deviation of a bipolar channel is
19 and 17 microvolts in real EEG (median over 12 windows of 50 s and 10 of 10 s), 13 in simulated
EEG (36 windows)."""

LIMIT = 25.0
"""Largest value either way, 500 microvolts: of the same real EEG, 1 in 1000 exceeds 14."""


def _resample(signals: np.ndarray, before: float, after: float) -> np.ndarray:
    """Resample from one rate to another; NaN stay where they are in time."""
    ratio = Fraction(after / before).limit_denominator(1000)
    # Zeros beyond the ends would make a step of every channel that is not centred on zero.
    resampled = scipy.signal.resample_poly(
        bridge_gaps(signals), ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )
    missing = np.isnan(signals)
    if missing.any():
        nearest = np.round(np.arange(resampled.shape[-1]) * before / after).astype(int)
        resampled[missing[:, np.minimum(nearest, signals.shape[-1] - 1)]] = np.nan
    return resampled


def pair_waveforms(
    pairs: np.ndarray,
    *,
    clip: float | None,
    notch: float | None,
    band_pass: tuple[float, float] | None,
    before: float,
    sampling_rate: float,
) -> np.ndarray:
    """Clean and resample bipolar channels; see ``bipolar_waveforms``.

    Args:
        pairs: microvolts, shape ``(16, samples)``, as ``hbac.eeg.gaps.live_differences`` has them.
        clip: see there.
        notch: see there.
        band_pass: see there.
        before: samples a second of the pairs.
        sampling_rate: samples a second of the result.

    Returns:
        See there.
    """

    def cleaned(stretch: np.ndarray) -> np.ndarray:
        if clip is None and band_pass is None:
            stretch = without_baseline(stretch, sampling_rate=before)
        return clean(stretch, sampling_rate=before, clip=clip, notch=notch, band_pass=band_pass)

    live = on_live_stretches(pairs, cleaned, sampling_rate=before)
    signals = _resample(live, before, sampling_rate)
    return np.clip(signals / UNIT_MICROVOLTS, -LIMIT, LIMIT).astype(np.float32, copy=False)


def bipolar_waveforms(
    recording: Recording,
    *,
    clip: float | None,
    notch: float | None,
    band_pass: tuple[float, float] | None,
    sampling_rate: float = 100,
) -> np.ndarray:
    """Make the 16 bipolar channels of the four chains, cleaned and resampled.

    Resampling is polyphase with an anti-aliasing filter (``scipy.signal.resample_poly``). Offsets
    and drift are gone before anything is cut, by the clip, the band-pass, or by themselves.

    Args:
        recording: EEG in microvolts, NaN where missing.
        clip: largest amplitude left, in microvolts; see ``hbac.eeg.filters.clean``.
        notch: mains frequency to remove, in Hz.
        band_pass: edges of the pass band, in Hz.
        sampling_rate: samples a second of the result.

    Returns:
        Channels as ``BIPOLAR_CHANNELS`` in units of ``UNIT_MICROVOLTS``, within ``LIMIT`` either
        way, shape ``(16, seconds * sampling_rate)``, float32; NaN where missing, as
        ``hbac.eeg.gaps.on_live_stretches`` says.

    Raises:
        ValueError: if an electrode is missing, ``sampling_rate`` is not positive, or a setting of
            the cleaning makes no sense.
    """
    if not sampling_rate > 0:
        raise ValueError(f"sampling_rate must be positive, received {sampling_rate}")
    return pair_waveforms(
        live_differences(recording).reshape(N_BIPOLAR, -1),
        clip=clip,
        notch=notch,
        band_pass=band_pass,
        before=recording.sampling_rate,
        sampling_rate=sampling_rate,
    )
