"""Power of each chain in the clinical frequency bands."""

from __future__ import annotations

import numpy as np

from hbac.eeg.gaps import bridge_short_gaps, live_differences
from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import Recording
from hbac.eeg.spectra import mean_of_known, power_density
from hbac.eeg.windows import LABEL_SECONDS

BANDS = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 20.0),
}
"""Edges in Hz, the lower one included; beta ends where the spectrograms do."""

BAND_POWER_NAMES = tuple(
    f"{stretch}_{chain}_{band}"
    for stretch in ("centre", "window")
    for chain in CHAINS
    for band in BANDS
)
"""Names of the features: the stretch, the chain and the band, the last running fastest."""

POWER_FLOOR = 1e-3
"""Least power, in microvolts squared: that of a silent chain. The least of any band and chain in
22 real windows and 36 simulated ones is 0.2."""

# A volt, more than any amplifier gives; the squares of much more overflow float32.
_LARGEST = 1e6


def _log_band_powers(signals: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Common logarithm of each chain's power in each band, shape ``(chains, bands)``."""
    frequencies, density = power_density(signals, sampling_rate=sampling_rate)
    density = mean_of_known(density, axis=1)
    powers = [
        density[:, (low <= frequencies) & (frequencies < high)].sum(axis=-1)
        for low, high in BANDS.values()
    ]
    return np.log10(np.maximum(np.stack(powers, axis=-1) * frequencies[1], POWER_FLOOR))


def band_powers(recording: Recording) -> np.ndarray:
    """Band powers of the central 10 s and of the whole window, chain by chain.

    The spectral density of each bipolar channel is Welch's (IEEE Trans. Audio Electroacoust. 15,
    1967) with Hann windows of 4 s, half overlapping, each freed of its mean; one with a gap that
    is not short does not count. Its mean over those of the chain's four channels that have any is
    summed over each band.

    Args:
        recording: one EEG window in microvolts, NaN where missing; see ``hbac.eeg.gaps``.

    Returns:
        Common logarithm of the power in microvolts squared, at least that of ``POWER_FLOOR``,
        shape ``(32,)``, float32, in the order of ``BAND_POWER_NAMES``; NaN for a chain of which
        nothing can be measured.

    Raises:
        ValueError: if an electrode is missing or the recording is shorter than 10 s.
    """
    rate = recording.sampling_rate
    pairs = bridge_short_gaps(live_differences(recording), sampling_rate=rate)
    signals = np.clip(pairs, -_LARGEST, _LARGEST)
    start = (recording.duration - LABEL_SECONDS) / 2
    if start < 0:
        raise ValueError(f"at least {LABEL_SECONDS} s are needed, received {recording.duration}")
    first, length = round(start * rate), round(LABEL_SECONDS * rate)
    central = signals[..., first : first + length]
    powers = [_log_band_powers(stretch, rate) for stretch in (central, signals)]
    return np.concatenate([power.ravel() for power in powers]).astype(np.float32)
