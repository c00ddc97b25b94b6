"""Power of each chain in the clinical frequency bands."""

from __future__ import annotations

import numpy as np

from hbac.eeg.gaps import bridge_short_gaps, live_differences
from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import Recording
from hbac.eeg.spectra import SEGMENT_SECONDS, mean_of_known, segment_densities
from hbac.eeg.windows import LABEL_SECONDS

BANDS = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 20.0),
}
"""Edges in Hz, the lower one included; beta ends where the spectrograms do."""

_HIGHEST = max(edge for band in BANDS.values() for edge in band)

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


def _log_band_powers(frequencies: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Common logarithm of each chain's power in each band, shape ``(chains, bands)``.

    Args:
        frequencies: in Hz.
        density: of segments, ``(chains, channels, segments, frequencies)``.
    """
    of_chains = mean_of_known(mean_of_known(density, axis=2), axis=1)
    powers = [
        of_chains[:, (low <= frequencies) & (frequencies < high)].sum(axis=-1)
        for low, high in BANDS.values()
    ]
    return np.log10(np.maximum(np.stack(powers, axis=-1) * frequencies[1], POWER_FLOOR))


def _central(density: np.ndarray) -> np.ndarray:
    """Of a window's segments those in its middle, which are the central 10 s of 50 s."""
    n_central = round(2 * LABEL_SECONDS / SEGMENT_SECONDS) - 1
    first = (density.shape[2] - n_central) // 2
    return density[:, :, first : first + n_central]


def band_powers(recording: Recording) -> np.ndarray:
    """Band powers of the central 10 s and of the whole window, chain by chain.

    The spectral density of each bipolar channel is Welch's (IEEE Trans. Audio Electroacoust. 15,
    1967) with Hann windows of 4 s, half overlapping, each freed of its mean; one with a gap that
    is not short does not count. Its mean over those of the chain's four channels that have any is
    summed over each band. The central 10 s are four of the window's own segments: of another length
    than 50 s those nearest to the middle.

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
    if recording.duration < LABEL_SECONDS:
        raise ValueError(f"at least {LABEL_SECONDS} s are needed, received {recording.duration}")
    frequencies, density = segment_densities(
        np.clip(pairs, -_LARGEST, _LARGEST), sampling_rate=rate, max_frequency=_HIGHEST
    )
    powers = [_log_band_powers(frequencies, some) for some in (_central(density), density)]
    return np.concatenate([power.ravel() for power in powers]).astype(np.float32)
