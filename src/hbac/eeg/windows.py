"""How overlapping labels become windows, the examples that a model trains on.

A label speaks of the central 10 s of a 50-s EEG window and of the 10-minute spectrogram window
that is centred on the same moment; its offsets say where either window starts in its file.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from hbac.eeg.votes import VOTE_COLUMNS, vote_fractions

Policy = Literal["per_eeg", "distinct_votes"]

NO_SPECTROGRAM = -1
"""The ``spectrogram_id`` of a recording that has no spectrogram file."""

_OFFSETS = ["eeg_label_offset_seconds", "spectrogram_label_offset_seconds"]


def window_start(offset: float, duration: float, seconds: float) -> float:
    """Where a window of ``seconds`` starts in a file of ``duration`` seconds.

    Returns:
        The offset; where that is not known (NaN), the start of the file's middle.
    """
    return (duration - seconds) / 2 if np.isnan(offset) else float(offset)


def _complete(labels: pd.DataFrame) -> pd.DataFrame:
    """Add what a test table lacks, offsets and votes, as unknown."""
    return labels.assign(
        **{name: np.nan for name in (*_OFFSETS, *VOTE_COLUMNS) if name not in labels}
    )


def _middle(offsets: pd.core.groupby.SeriesGroupBy) -> pd.Series:
    return (offsets.min() + offsets.max()) / 2


def select_windows(labels: pd.DataFrame, *, policy: Policy) -> pd.DataFrame:
    """Turn a table of labels into a table of windows.

    Args:
        labels: the columns of ``train.csv``, or those of ``test.csv``, which has neither offsets
            nor votes: both are NaN in its windows, which stand in the middle of their files.
        policy: ``per_eeg`` makes one window an EEG, at the middle of its labels, with all their
            votes summed (in the competition's data, whose files end with their last label, this
            is the middle 50 s of the file); ``distinct_votes`` makes one window an EEG and
            distinct vote vector, at the middle of the labels that share it.

    Returns:
        A row a window, ordered by ``eeg_id`` and ``window``: ``eeg_id``, ``window`` (0, 1 ...
        within an EEG), ``patient_id``, ``spectrogram_id`` (-1 where there is none),
        ``eeg_offset_seconds``, ``spectrogram_offset_seconds``, ``n_votes``, and the six vote
        fractions ``seizure_vote`` ... ``other_vote``.

    Raises:
        ValueError: if an EEG belongs to two patients or two spectrograms.
    """
    labels = _complete(labels)
    owners = labels.groupby("eeg_id")[["patient_id", "spectrogram_id"]].nunique()
    torn = owners.index[(owners > 1).any(axis=1)]
    if len(torn):
        raise ValueError(f"eeg_id {torn[0]} has labels of several patients or spectrograms")
    votes = list(VOTE_COLUMNS)
    keys = ["eeg_id", *votes] if policy == "distinct_votes" else ["eeg_id"]
    groups = labels.groupby(keys, sort=False, dropna=False)
    windows = groups.agg(
        patient_id=("patient_id", "first"), spectrogram_id=("spectrogram_id", "first")
    )
    for column in _OFFSETS:
        windows[column.replace("_label", "")] = _middle(groups[column])
    counts = groups[votes].sum(min_count=1).to_numpy(dtype=float)
    known = ~np.isnan(counts).all(axis=1)
    fractions = np.full_like(counts, np.nan)
    fractions[known] = vote_fractions(counts[known])
    windows["n_votes"] = np.nansum(counts, axis=1).astype(int)
    windows = windows.reset_index().drop(columns=[name for name in keys if name in votes])
    windows[votes] = fractions
    windows = windows.sort_values(["eeg_id", "eeg_offset_seconds"], ignore_index=True)
    windows.insert(1, "window", windows.groupby("eeg_id").cumcount())
    return windows
