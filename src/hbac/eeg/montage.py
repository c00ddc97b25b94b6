"""The longitudinal bipolar montage ("double banana"), grouped into its four chains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hbac.eeg.recording import Recording

CHAINS = {
    "LL": ("Fp1", "F7", "T3", "T5", "O1"),
    "RL": ("Fp2", "F8", "T4", "T6", "O2"),
    "LP": ("Fp1", "F3", "C3", "P3", "O1"),
    "RP": ("Fp2", "F4", "C4", "P4", "O2"),
}
"""Electrodes of the left lateral, right lateral, left and right parasagittal chains."""

CHAIN_NAMES = {
    "LL": "left lateral",
    "RL": "right lateral",
    "LP": "left parasagittal",
    "RP": "right parasagittal",
}

BIPOLAR_PAIRS = {chain: tuple(pairwise(electrodes)) for chain, electrodes in CHAINS.items()}
"""The four neighbouring electrode pairs of each chain, front to back."""

CHAIN_ELECTRODES = tuple(dict.fromkeys(name for chain in CHAINS.values() for name in chain))
"""The 16 electrodes that the chains need."""

MIDLINE_PAIRS = (("Fz", "Cz"), ("Cz", "Pz"))


def pair_name(front: str, back: str) -> str:
    """Name the channel of a pair as bipolar recordings do, such as ``Fp1-F7``."""
    return f"{front}-{back}"


BIPOLAR_NAMES = tuple(pair_name(*pair) for pairs in BIPOLAR_PAIRS.values() for pair in pairs)
"""The 16 channels of the chains in a recording that is bipolar already, four a chain."""


def is_bipolar(recording: Recording) -> bool:
    """Whether a recording holds the chains' pairs in place of their electrodes."""
    return BIPOLAR_NAMES[0] in recording.channels


def chain_channels(recording: Recording) -> tuple[str, ...]:
    """Name the channels of a recording that the chains need: electrodes, or their pairs."""
    return BIPOLAR_NAMES if is_bipolar(recording) else CHAIN_ELECTRODES


def chain_differences(recording: Recording) -> np.ndarray:
    """Subtract each chain's neighbouring electrodes, front minus back.

    Args:
        recording: EEG with at least the electrodes of the four chains, or with their pairs as
            ``BIPOLAR_NAMES`` where it is bipolar already.

    Returns:
        Bipolar channels in microvolts, shape ``(4 chains, 4 pairs, samples)``, float32; NaN where
        either electrode is NaN.

    Raises:
        ValueError: if an electrode of a chain, or a pair of a bipolar recording, is missing.
    """
    data = recording.data
    if is_bipolar(recording):
        pairs = data[recording.rows(BIPOLAR_NAMES)].astype(np.float32, copy=False)
        return pairs.reshape(len(CHAINS), 4, -1)
    differences = np.empty((len(CHAINS), 4, data.shape[1]), np.float32)
    for chain, electrodes in zip(differences, CHAINS.values(), strict=True):
        for pair, (front, back) in zip(chain, pairwise(recording.rows(electrodes)), strict=True):
            np.subtract(data[front], data[back], out=pair)
    return differences
