"""The longitudinal bipolar montage ("double banana"), grouped into its four chains."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Literal

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

Montage = Literal["bipolar", "average"]
"""``bipolar``: neighbours along a chain; ``average``: electrodes against their common average."""

N_CHAIN_CHANNELS = 4
"""Channels of a chain, in either montage."""

AVERAGE_ELECTRODES = {
    "LL": ("F7", "T3", "T5", "O1"),
    "RL": ("F8", "T4", "T6", "O2"),
    "LP": ("Fp1", "F3", "C3", "P3"),
    "RP": ("Fp2", "F4", "C4", "P4"),
}
"""Each chain's electrodes against the common average, front to back. Those at the chains' ends
belong to two: the frontal poles are told with the parasagittal chains here, the occipital
electrodes with the lateral ones."""

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


def channel_names(chain: str, montage: Montage) -> tuple[str, ...]:
    """Name a chain's four channels, front to back, such as ``Fp1-F7``, or ``F7`` alone."""
    if montage == "average":
        return AVERAGE_ELECTRODES[chain]
    return tuple(pair_name(*pair) for pair in BIPOLAR_PAIRS[chain])


def common_average(recording: Recording) -> np.ndarray:
    """Take the mean of the chains' 16 electrodes from each of them.

    At each moment it is the mean of those that are there, each freed of its own offset, which may
    be millivolts: otherwise all channels would jump where one electrode comes or goes.

    Args:
        recording: EEG with at least the electrodes of the four chains.

    Returns:
        Electrodes as ``AVERAGE_ELECTRODES`` in microvolts, shape ``(4 chains, 4 electrodes,
        samples)``, float32; NaN where an electrode is.

    Raises:
        ValueError: if an electrode is missing, or the recording is bipolar.
    """
    if is_bipolar(recording):
        raise ValueError(
            "the common average needs electrodes, received a recording of bipolar pairs, which do "
            "not tell how the hemispheres differ: use networks that were trained with "
            "spectrogram.montage=bipolar, or a recording that has one reference"
        )
    names = [name for electrodes in AVERAGE_ELECTRODES.values() for name in electrodes]
    data = recording.data[recording.rows(names)].astype(np.float32, copy=False)
    known = ~np.isnan(data)
    with warnings.catch_warnings():
        # Of an electrode that is missing throughout there is nothing to take.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        offsets = np.nanmedian(data, axis=1, keepdims=True)
    counts = np.maximum(known.sum(axis=0), 1).astype(np.float32)
    mean = np.where(known, data - offsets, 0).sum(axis=0) / counts
    return (data - mean).reshape(len(CHAINS), N_CHAIN_CHANNELS, -1)
