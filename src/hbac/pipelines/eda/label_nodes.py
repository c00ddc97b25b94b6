"""What the table of labels holds: nodes that read no recording."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd

from hbac.eeg.recording import Recording
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS, vote_fractions
from hbac.eeg.windows import LABEL_SECONDS, NO_SPECTROGRAM
from hbac.evaluation.bootstrap import divide
from hbac.pipelines.eda.vote_nodes import tier_rows

logger = logging.getLogger(__name__)

WINDOWS = {
    "label": ("eeg", LABEL_SECONDS),
    "EEG window": ("eeg", WINDOW_SECONDS),
    "spectrogram window": ("spectrogram", ROW_SECONDS * WINDOW_ROWS),
}
"""What a label covers: in which kind of file, and for how many seconds."""

ALONE = "alone"
"""In place of a second class: patients with no other class."""

_N_NAMED = 5


def _without_file(
    ids: pd.Series, files: dict[str, Callable], table: str = "the label table"
) -> int:
    """Count the files that a table names and that are not there, and log the first ones' ids."""
    named = ids.drop_duplicates().astype(str)
    absent = named[~named.isin(list(files))].tolist()
    if absent:
        logger.warning(
            "%d of %d %ss in %s have no file, such as %s; put the files there, or "
            "look whether raw_dir is the right folder",
            *(len(absent), len(named), ids.name, table, ", ".join(absent[:_N_NAMED])),
        )
    return len(absent)


def _votes_of_eegs(labels: pd.DataFrame) -> pd.Series:
    """Most votes on one label of each EEG: on labels that overlap, experts count once."""
    return labels[list(VOTE_COLUMNS)].sum(axis=1).groupby(labels["eeg_id"]).max()


def _spectrogram_ids(table: pd.DataFrame) -> pd.Series:
    ids = table["spectrogram_id"]
    return ids[ids != NO_SPECTROGRAM]


def _count_unlabelled(
    unlabelled: pd.DataFrame, eegs: dict[str, Callable], spectrograms: dict[str, Callable]
) -> list[tuple[str, int, str]]:
    """Count what nobody has voted on; no row where there is none."""
    if unlabelled.empty:
        return []
    table, of_them = "unlabelled.csv", "in unlabelled.csv"
    ids = _spectrogram_ids(unlabelled)
    no_eeg = _without_file(unlabelled["eeg_id"], eegs, table)
    no_spectrogram = _without_file(ids, spectrograms, table)
    return [
        ("unlabelled_windows", len(unlabelled), f"rows {of_them}, without votes"),
        ("unlabelled_patients", unlabelled["patient_id"].nunique(), f"distinct patients {of_them}"),
        ("unlabelled_eegs", unlabelled["eeg_id"].nunique(), f"distinct EEGs {of_them}"),
        ("unlabelled_eegs_without_file", no_eeg, f"{of_them}, but no file"),
        ("unlabelled_spectrograms_without_file", no_spectrogram, f"{of_them}, but no file"),
    ]


def count_labels(
    labels: pd.DataFrame,
    unlabelled: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
) -> pd.DataFrame:
    """Count what a data set holds.

    Args:
        labels: the columns of ``train.csv``.
        unlabelled: ``unlabelled.csv``, without rows where there is no such file.
        eegs: load functions of EEG files, by id.
        spectrograms: load functions of spectrogram files, by id.

    Returns:
        Columns ``quantity``, ``value`` (whole numbers) and ``meaning``, a row a quantity; those of
        windows without votes where there are such.
    """
    spectrogram_ids = _spectrogram_ids(labels)
    votes = labels[list(VOTE_COLUMNS)].sum(axis=1)
    ends = labels.groupby("eeg_id")["eeg_label_offset_seconds"].max() + WINDOW_SECONDS
    rows = [
        ("patients", labels["patient_id"].nunique(), "distinct patients"),
        ("eegs", labels["eeg_id"].nunique(), "distinct EEGs with a label"),
        ("spectrograms", spectrogram_ids.nunique(), "distinct spectrograms with a label"),
        ("labels", len(labels), "rows of the table"),
        ("labels_without_spectrogram", len(labels) - len(spectrogram_ids), "labels with EEG alone"),
        (
            "votes",
            _votes_of_eegs(labels).sum(),
            "experts' votes, the most on one label of each EEG",
        ),
        ("fewest_votes", votes.min(), "votes on the label with fewest"),
        ("most_votes", votes.max(), "votes on the label with most"),
        ("eeg_seconds", ends.sum(), "from each EEG's start to its last label's end"),
        ("eeg_files", len(eegs), "EEG files at hand"),
        ("eegs_without_file", _without_file(labels["eeg_id"], eegs), "labelled, but no file"),
        ("spectrogram_files", len(spectrograms), "spectrogram files at hand"),
        (
            "spectrograms_without_file",
            _without_file(spectrogram_ids, spectrograms),
            "labelled, but no file",
        ),
        *_count_unlabelled(unlabelled, eegs, spectrograms),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"]).astype({"value": int})


def _steps(ids: pd.Series, offsets: pd.Series) -> np.ndarray:
    """Seconds from the label before, in the same file; infinite for a file's first label."""
    ids, offsets = ids.to_numpy(), offsets.to_numpy(float)
    order = np.lexsort([offsets, ids])
    first = np.append(True, ids[order][1:] != ids[order][:-1])
    steps = np.empty(len(order))
    steps[order] = np.where(first, np.inf, np.diff(offsets[order], prepend=0))
    return steps


def _eeg_seconds(labels: pd.DataFrame) -> np.ndarray:
    """Seconds of each label's EEG window that no label before it covers."""
    steps = _steps(labels["eeg_id"], labels["eeg_label_offset_seconds"])
    return np.minimum(steps, WINDOW_SECONDS)


def _count_by_class(keys: pd.Series, consensus: pd.Series) -> pd.DataFrame:
    """Labels of each class: a row a key, sorted, and a column a class, in class order."""
    codes, names = pd.factorize(keys, sort=True)
    classes = pd.Categorical(consensus, CLASS_NAMES).codes
    cells = np.bincount(codes * len(CLASS_NAMES) + classes, minlength=len(names) * len(CLASS_NAMES))
    return pd.DataFrame(cells.reshape(-1, len(CLASS_NAMES)), names, list(CLASS_NAMES))


def tabulate_patients(labels: pd.DataFrame) -> pd.DataFrame:
    """Count what there is of each patient.

    Args:
        labels: see ``vote_nodes.describe_labels``.

    Returns:
        A row a patient, those with most labels first: ``patient_id``, ``n_labels``, ``n_windows``
        (distinct votes of an EEG, the windows of the policy ``distinct_votes``), ``n_eegs``,
        ``n_spectrograms``, ``n_votes`` (the most on one label of each EEG), ``eeg_seconds`` (that
        the labels' 50-s windows cover, each second once), ``n_classes`` (that are the consensus of
        a label), labels of each class (``seizure_labels`` ... ``other_labels``), ``label_share``
        (of all labels, 0 to 1) and ``cumulative_label_share`` (of this patient and those above).
    """
    spectrograms = labels["spectrogram_id"].where(labels["spectrogram_id"] != NO_SPECTROGRAM)
    groups = pd.DataFrame(
        {
            "patient_id": labels["patient_id"],
            "n_windows": labels["window"],
            "n_eegs": labels["eeg_id"],
            "n_spectrograms": spectrograms,
            "eeg_seconds": _eeg_seconds(labels),
        }
    ).groupby("patient_id")
    table = groups[["n_windows", "n_eegs", "n_spectrograms"]].nunique()
    table.insert(0, "n_labels", groups.size())
    patients = labels.groupby("eeg_id")["patient_id"].first()
    table["n_votes"] = _votes_of_eegs(labels).groupby(patients).sum()
    table["eeg_seconds"] = groups["eeg_seconds"].sum()
    classes = _count_by_class(labels["patient_id"], labels["expert_consensus"])
    table["n_classes"] = (classes > 0).sum(axis=1)
    table = table.join(classes.rename(columns=lambda name: f"{name.lower()}_labels"))
    table = table.sort_values("n_labels", ascending=False, kind="stable")
    table["label_share"] = table["n_labels"] / len(labels)
    table["cumulative_label_share"] = table["n_labels"].cumsum() / len(labels)
    return table.reset_index(names="patient_id")


def _count_classes(labels: pd.DataFrame) -> pd.DataFrame:
    """A row a class: how many labels, windows, EEGs and patients, and their shares."""
    consensus = labels["expert_consensus"]
    by_eeg = _count_by_class(labels["eeg_id"], consensus)
    by_patient = _count_by_class(labels["patient_id"], consensus)
    windows = consensus[~labels["window"].duplicated()]
    counts = {
        "label": consensus.value_counts(sort=False),
        "window": windows.value_counts(sort=False),
        "eeg": pd.Series(by_eeg.to_numpy().argmax(axis=1)).value_counts(),
    }
    table = pd.DataFrame({"class": CLASS_NAMES})
    for unit, values in counts.items():
        places = range(len(CLASS_NAMES)) if unit == "eeg" else CLASS_NAMES
        table[f"n_{unit}s"] = values.reindex(places, fill_value=0).to_numpy()
        table[f"{unit}_share"] = divide(table[f"n_{unit}s"], values.sum())
    votes = vote_fractions(labels[list(VOTE_COLUMNS)].to_numpy())
    table["mean_vote_share"] = divide(votes.sum(axis=0), len(votes))
    table["n_patients"] = (by_patient > 0).sum().to_numpy()
    table["patient_share"] = divide(table["n_patients"], len(by_patient))
    return table


def tabulate_classes(labels: pd.DataFrame) -> pd.DataFrame:
    """Count each class, by tier of votes.

    Args:
        labels: see ``vote_nodes.describe_labels``.

    Returns:
        A row a ``tier`` (of ``hbac.evaluation.VOTE_TIERS``, by a label's number of votes) and
        ``class`` (of ``CLASS_NAMES``). Counts and shares of the tier, 0 to 1: ``n_labels`` and
        ``label_share`` by consensus; ``n_windows`` and ``window_share`` by the consensus of
        windows (distinct votes of an EEG); ``n_eegs`` and ``eeg_share`` by the class of most of an
        EEG's labels (a tie goes to the first in class order); ``mean_vote_share`` (mean over labels
        of the share of votes); ``n_patients`` and ``patient_share`` of patients with a label of the
        class, who may count for several. Shares are NaN in a tier without labels.
    """
    tables = []
    for tier, inside in tier_rows(labels["n_votes"]).items():
        table = _count_classes(labels[inside])
        table.insert(0, "tier", tier)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def tabulate_cooccurrence(labels: pd.DataFrame) -> pd.DataFrame:
    """Count which classes are found in one patient.

    Args:
        labels: columns ``patient_id`` and ``expert_consensus``; a patient has a class who has a
            label of that consensus.

    Returns:
        A row a ``class`` (of ``CLASS_NAMES``) and ``other`` (another class, or ``alone``):
        ``n_patients`` (with both, or with none but the first), ``n_of`` (patients with the first),
        ``share`` (the one over the other, NaN where no patient has the class) and ``lift`` (how
        many times the share of ``other`` among all patients that is; NaN for ``alone``).
    """
    counts = _count_by_class(labels["patient_id"], labels["expert_consensus"])
    has = (counts > 0).to_numpy(float)
    total = has.sum(axis=0)
    alone = (has * (has.sum(axis=1, keepdims=True) == 1)).sum(axis=0)
    both = np.column_stack([has.T @ has, alone])
    share = divide(both, total[:, None])
    lift = divide(share, np.append(total / len(has), np.nan))
    others = (*CLASS_NAMES, ALONE)
    table = pd.DataFrame(
        {
            "class": np.repeat(CLASS_NAMES, len(others)),
            "other": np.tile(others, len(CLASS_NAMES)),
            "n_patients": both.ravel().astype(int),
            "n_of": np.repeat(total, len(others)).astype(int),
            "share": share.ravel(),
            "lift": lift.ravel(),
        }
    )
    return table[table["class"] != table["other"]].reset_index(drop=True)


def _overlap(labels: pd.DataFrame, file: str, seconds: float) -> dict[str, float]:
    """How far windows of one length overlap in one kind of file."""
    known = labels[labels[f"{file}_id"] != NO_SPECTROGRAM]
    steps = _steps(known[f"{file}_id"], known[f"{file}_label_offset_seconds"])
    later = steps[np.isfinite(steps)]
    covered = np.minimum(steps, seconds).sum()
    return {
        "file": file,
        "seconds": seconds,
        "n_labels": len(steps),
        "n_files": len(steps) - len(later),
        "n_neighbours": len(later),
        "n_overlapping": (later < seconds).sum(),
        "overlapping_share": (later < seconds).mean() if len(later) else np.nan,
        "median_step_seconds": np.median(later) if len(later) else np.nan,
        "summed_seconds": seconds * len(steps),
        "covered_seconds": covered,
        "independent_windows": covered / seconds,
    }


def tabulate_overlap(labels: pd.DataFrame) -> pd.DataFrame:
    """Measure how far the windows of neighbouring labels overlap.

    Args:
        labels: the columns of ``train.csv``; ``-1`` as ``spectrogram_id`` is no spectrogram.

    Returns:
        A row a ``window`` (``WINDOWS``: the 10 s that a label speaks of, its 50 s of EEG, its 600 s
        of spectrogram): ``file`` (``eeg`` or ``spectrogram``), ``seconds`` (its length),
        ``n_labels``, ``n_files``, ``n_neighbours`` (labels with one before them in their file),
        ``n_overlapping`` and ``overlapping_share`` (of neighbours, whose windows share some time),
        ``median_step_seconds`` (between neighbours), ``summed_seconds`` (each window on its own),
        ``covered_seconds`` (each second of a file once) and ``independent_windows`` (as many as
        fit into those, one after the other). NaN where there are no neighbours.
    """
    rows = [{"window": name} | _overlap(labels, *which) for name, which in WINDOWS.items()]
    return pd.DataFrame(rows)
