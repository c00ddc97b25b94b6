"""Whether runs can be joined: the same folds, and the same votes on the same windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hbac.datasets import FinishedRun
from hbac.eeg.votes import CLASSES, VOTE_COLUMNS

KEYS = ["eeg_id", "window"]

_ROUNDING = 1e-6


class MembersDifferError(ValueError):
    """Runs that can't be joined."""


def check_records(members: Mapping[str, FinishedRun]) -> None:
    """Refuse a member that is an ensemble of others, or has other classes.

    Raises:
        MembersDifferError: naming the member.
    """
    for name, run in members.items():
        if "members" in run.ensemble:
            inside = ", ".join(run.ensemble["members"])
            raise MembersDifferError(
                f"the member {name} ({run.folder}) is itself an ensemble, of {inside}: name the "
                "runs that it was made of instead"
            )
        if run.ensemble["classes"] != list(CLASSES):
            raise MembersDifferError(
                f"the member {name} ({run.folder}) has the classes {run.ensemble['classes']}, "
                f"expected {list(CLASSES)}: train it again with this version"
            )


def _folds_by_patient(run: FinishedRun) -> pd.Series:
    return run.predictions.groupby("patient_id")["fold"].first().sort_index()


def _check_folds(name: str, run: FinishedRun, first: str, known: pd.Series) -> None:
    folds = _folds_by_patient(run)
    shared = folds.index.intersection(known.index)
    if shared.empty:
        raise MembersDifferError(
            f"the members {first} and {name} have no patient in common: join runs on one data set"
        )
    other = shared[(folds[shared] != known[shared]).to_numpy()]
    if len(other):
        patient = other[0]
        raise MembersDifferError(
            f"patient_id {patient} is in fold {known[patient]} of the member {first} and in fold "
            f"{folds[patient]} of {name} ({run.folder}), and {len(other)} of {len(shared)} "
            "patients in all differ. A network would be scored on patients that it was trained on: "
            "train members with the same modeling.n_folds, modeling.fold_seed and "
            "spectrogram.policy on the same data"
        )


def _labels(run: FinishedRun) -> pd.DataFrame:
    """What is said of each window, by its ids."""
    offsets = run.windows[[*KEYS, "eeg_offset_seconds"]]
    table = run.predictions.merge(offsets, on=KEYS, how="left", validate="one_to_one")
    return table.set_index(KEYS)[["eeg_offset_seconds", "n_votes", *VOTE_COLUMNS]].sort_index()


def _check_labels(name: str, run: FinishedRun, first: str, known: pd.DataFrame) -> None:
    labels = _labels(run)
    shared = labels.index.intersection(known.index)
    if shared.empty:
        raise MembersDifferError(f"the members {first} and {name} have no window in common")
    mine, others = labels.loc[shared], known.loc[shared]
    same = np.isclose(mine, others, rtol=0, atol=_ROUNDING, equal_nan=True)
    if same.all():
        return
    row, column = np.argwhere(~same)[0]
    eeg_id, window = shared[row]
    raise MembersDifferError(
        f"window {window} of eeg_id {eeg_id} has {mine.columns[column]} {mine.iloc[row, column]:g} "
        f"in the member {name} ({run.folder}) and {others.iloc[row, column]:g} in {first}, and "
        f"{(~same.all(axis=1)).sum()} of {len(shared)} windows in all differ: join runs on the "
        "same labels, made into windows by the same spectrogram.policy"
    )


def check_members(members: Mapping[str, FinishedRun]) -> None:
    """Refuse runs whose held-out predictions can't be joined window by window.

    Windows that one run has and another lacks are no difference: those that all have are joined.

    Args:
        members: by name, in their order; each is compared with the first.

    Raises:
        MembersDifferError: naming the first difference, the member, and the patient or the window.
    """
    check_records(members)
    first = next(iter(members))
    folds, labels = _folds_by_patient(members[first]), _labels(members[first])
    for name, run in members.items():
        _check_folds(name, run, first, folds)
        _check_labels(name, run, first, labels)
