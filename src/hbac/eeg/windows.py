"""How overlapping labels become windows, the examples that a model trains on.

A label speaks of the central 10 s of a 50-s EEG window and of the 10-minute spectrogram window
that is centred on the same moment; its offsets say where either window starts in its file.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from hbac.eeg.votes import VOTE_COLUMNS, VOTE_COUNT_COLUMNS, vote_fractions

Policy = Literal["per_eeg", "distinct_votes", "ten_seconds"]

LABEL_SECONDS = 10
"""Length of the stretch in the middle of a window of which a label speaks."""

NO_SPECTROGRAM = -1
"""The ``spectrogram_id`` of a recording that has no spectrogram file."""

_SPACING_SECONDS = 10
"""How much of a recording a label speaks of."""

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


def _middle_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Of each EEG and distinct vote vector, the label in the middle of its longest run."""
    vector = labels.groupby(["eeg_id", *VOTE_COLUMNS], sort=False, dropna=False).ngroup()
    first = np.flatnonzero(vector.diff().to_numpy() != 0)
    runs = pd.DataFrame({"vector": vector.iloc[first], "first": first})
    runs["length"] = np.diff(first, append=len(labels))
    longest = runs.sort_values("length", ascending=False, kind="stable").drop_duplicates("vector")
    return labels.iloc[longest["first"] + (longest["length"] - 1) // 2]


def _spaced_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Of each EEG, distinct vote vector and stretch of ten seconds, the first label."""
    stretch = labels[_OFFSETS[0]] // _SPACING_SECONDS
    table = labels[["eeg_id", *VOTE_COLUMNS]].assign(stretch=stretch)
    return labels[~table.duplicated()]


def _middles(labels: pd.DataFrame) -> np.ndarray:
    """Both offsets of the moment halfway from each EEG's first label to its last."""
    starts = np.flatnonzero(labels["eeg_id"].diff().to_numpy() != 0)
    middles = []
    for offsets in np.split(labels[_OFFSETS].to_numpy(float), starts)[1:]:
        middle = (offsets[0, 0] + offsets[-1, 0]) / 2
        middles.append((middle, np.interp(middle, *offsets.T)))
    return np.reshape(middles, (-1, 2))


def _fullest_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Of each EEG the label with most votes, moved to the middle of the EEG's labels."""
    n_votes = labels[list(VOTE_COLUMNS)].sum(axis=1)
    fullest = labels.loc[n_votes.groupby(labels["eeg_id"]).idxmax()]
    return fullest.assign(**dict(zip(_OFFSETS, _middles(labels).T, strict=True)))


def _fractions(counts: np.ndarray) -> np.ndarray:
    """Vote fractions; NaN where votes are unknown."""
    fractions = np.full(counts.shape, np.nan)
    known = ~np.isnan(counts).all(axis=1)
    fractions[known] = vote_fractions(counts[known])
    return fractions


def _check_owners(labels: pd.DataFrame) -> None:
    for column in ("patient_id", "spectrogram_id"):
        owners = labels.groupby("eeg_id")[column].nunique()
        torn = owners.index[owners > 1]
        if len(torn):
            several = labels.loc[labels["eeg_id"] == torn[0], column].unique().tolist()
            more = f", and {len(torn) - 1} more EEGs are like it" if len(torn) > 1 else ""
            raise ValueError(
                f"eeg_id {torn[0]} has labels with the {column}s {several}{more}; give all labels "
                "of an EEG the same"
            )


def select_windows(labels: pd.DataFrame, *, policy: Policy) -> pd.DataFrame:
    """Turn a table of labels into a table of windows.

    Args:
        labels: the columns of ``train.csv``, or those of ``test.csv``, which has neither offsets
            nor votes: both are NaN in its windows, which stand in the middle of their files.
        policy: ``per_eeg`` makes one window an EEG, halfway from its first label to its last, with
            the votes of all its labels summed (in the competition's data, whose files end with
            their last label, this is the middle 50 s of the file); ``distinct_votes`` makes one
            window an EEG and distinct vote vector, at a label with these votes: the middle one
            of most in a row, by offset, without other votes between them (the first such row);
            ``ten_seconds`` makes one window of each ten seconds in which a label of these votes
            begins, at the first of them, since a label speaks of ten seconds.

    Returns:
        A row a window, ordered by ``eeg_id`` and ``window``: ``eeg_id``, ``window`` (0, 1 ...
        within an EEG), ``patient_id``, ``spectrogram_id`` (-1 where there is none),
        ``eeg_offset_seconds``, ``spectrogram_offset_seconds``, ``n_votes``, ``seizure_vote_count``
        ... ``other_vote_count``, and the six vote fractions ``seizure_vote`` ... ``other_vote``.
        Counts are those of one label and ``n_votes`` their sum, since votes of overlapping labels
        are the same experts': those of the window's own label or, where labels are summed, of
        that with most votes (the first of several). Fractions are of all votes summed.

    Raises:
        ValueError: if an EEG belongs to two patients or two spectrograms.
    """
    _check_owners(labels)
    labels = _complete(labels).sort_values(["eeg_id", *_OFFSETS, *VOTE_COLUMNS], ignore_index=True)
    votes = list(VOTE_COLUMNS)
    if policy == "per_eeg":
        chosen = _fullest_labels(labels)
        counts = labels.groupby("eeg_id")[votes].sum(min_count=1).to_numpy(float)
    else:
        choose = _middle_labels if policy == "distinct_votes" else _spaced_labels
        chosen = choose(labels).sort_values(["eeg_id", *_OFFSETS], kind="stable")
        counts = chosen[votes].to_numpy(float)
    own = chosen[votes].fillna(0).astype(int)
    windows = chosen[["eeg_id", "patient_id", "spectrogram_id"]].reset_index(drop=True)
    windows.insert(1, "window", windows.groupby("eeg_id").cumcount())
    for column in _OFFSETS:
        windows[column.replace("_label", "")] = chosen[column].to_numpy(float)
    windows["n_votes"] = own.sum(axis=1).to_numpy()
    windows[list(VOTE_COUNT_COLUMNS)] = own.to_numpy()
    windows[votes] = _fractions(counts)
    return windows


def append_unlabelled(
    windows: pd.DataFrame, unlabelled: pd.DataFrame, *, policy: Policy
) -> pd.DataFrame:
    """Add windows that nobody has voted on.

    Args:
        windows: as ``select_windows`` returns them.
        unlabelled: the columns of ``test.csv``, and offsets where they are known.
        policy: as of ``select_windows``, for which all votes are the same.

    Returns:
        As ``select_windows``; within an EEG those without votes, whose fractions are NaN, are last.

    Raises:
        ValueError: if an EEG belongs to two patients or two spectrograms.
    """
    without_votes = unlabelled.drop(columns=list(VOTE_COLUMNS), errors="ignore")
    added = select_windows(without_votes, policy=policy)
    both = pd.concat([windows, added], ignore_index=True)
    _check_owners(both)
    both = both.sort_values("eeg_id", kind="stable", ignore_index=True)
    return both.assign(window=both.groupby("eeg_id").cumcount())
