"""Checks that no fold knows anything of what another one is scored on."""

from __future__ import annotations

import pandas as pd

from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.windows import NO_SPECTROGRAM

_SPANS = (
    ("eeg_id", "eeg_offset_seconds", WINDOW_SECONDS),
    ("spectrogram_id", "spectrogram_offset_seconds", ROW_SECONDS * WINDOW_ROWS),
)


class LeakageError(ValueError):
    """What a network is trained on overlaps with what it is scored on."""


def _check_patients(table: pd.DataFrame) -> None:
    folds = table.groupby("patient_id")["fold"].nunique()
    torn = folds.index[folds > 1]
    if len(torn):
        named = sorted(table.loc[table["patient_id"] == torn[0], "fold"].unique().tolist())
        raise LeakageError(
            f"patient_id {torn[0]} is in the folds {named}, and {len(torn)} patients in all are "
            "in more than one"
        )


def _check_overlap(table: pd.DataFrame, recording: str, offset: str, seconds: float) -> None:
    ordered = table[table[recording] != NO_SPECTROGRAM].sort_values([recording, offset])
    # Where two windows overlap, so do all neighbours between them: looking at these is enough.
    following = ordered.shift(-1)
    overlapping = (
        (ordered[recording] == following[recording])
        & (ordered["fold"] != following["fold"])
        & (following[offset] - ordered[offset] < seconds)
    )
    if overlapping.any():
        first = ordered[overlapping].iloc[0]
        raise LeakageError(
            f"windows of {recording} {first[recording]:.0f} near {first[offset]:g} s overlap and "
            f"are in different folds, and {overlapping.sum()} pairs in all are like them"
        )


def check_folds(table: pd.DataFrame) -> None:
    """Refuse folds that share a patient, or windows of one recording that overlap.

    Args:
        table: a row a window: ``patient_id``, ``eeg_id``, ``eeg_offset_seconds``,
            ``spectrogram_id`` (-1 where there is none), ``spectrogram_offset_seconds`` and
            ``fold``, the fold that holds it out.

    Raises:
        LeakageError: naming the patient or the recording, and how many there are.
    """
    _check_patients(table)
    for span in _SPANS:
        _check_overlap(table, *span)
