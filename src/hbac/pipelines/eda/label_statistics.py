"""What the table of labels says, number by number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hbac.eeg.windows import NO_SPECTROGRAM
from hbac.pipelines.eda.statistics import tidy
from hbac.pipelines.eda.vote_nodes import LEVELS

QUANTILES = {"minimum": 0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75,
             "95th percentile": 0.95, "maximum": 1}  # fmt: skip
"""Points of a distribution, by what they are called in the tidy table."""

_BUSIEST = 0.1


def _spread(values: pd.Series) -> pd.Series:
    """Quantiles of a distribution and its mean."""
    if values.empty:
        return pd.Series(np.nan, [*QUANTILES, "mean"])
    points = pd.Series(np.quantile(values, list(QUANTILES.values())), list(QUANTILES))
    return pd.concat([points, pd.Series({"mean": values.mean()})])


def gini(counts: np.ndarray) -> float:
    """Measure how unevenly things are held.

    Args:
        counts: what each holds, not negative, shape ``(n,)``.

    Returns:
        The Gini coefficient: 0 where all hold the same, ``1 - 1 / n`` where one holds all; NaN
        where there is nothing to hold.
    """
    counts = np.sort(np.asarray(counts, float))
    n, total = len(counts), counts.sum()
    if total == 0:
        return np.nan
    return float(2 * (np.arange(1, n + 1) * counts).sum() / (n * total) - (n + 1) / n)


def busiest_share(patients: pd.DataFrame, share: float = _BUSIEST) -> float:
    """Share of labels that some patients hold, those with most.

    Args:
        patients: column ``n_labels``, a row a patient.
        share: of patients, rounded up to a whole number of them.
    """
    counts = np.sort(patients["n_labels"])[::-1]
    return float(counts[: int(np.ceil(share * len(counts)))].sum() / counts.sum())


def _of_counts(counts: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for row in counts.itertuples():
        unit = "s" if row.quantity.endswith("_seconds") else "count"
        yield tidy(row.quantity, row.value, unit=unit, n=1, n_of="data sets", meaning=row.meaning)


def _of_patients(patients: pd.DataFrame) -> Iterator[pd.DataFrame]:
    about = {"n": len(patients), "n_of": "patients"}
    for column, what, unit in (
        ("n_labels", "labels", "count"),
        ("n_windows", "windows", "count"),
        ("n_eegs", "EEGs", "count"),
        ("n_spectrograms", "spectrograms", "count"),
        ("eeg_seconds", "seconds of EEG that labels' windows cover", "s"),
    ):
        name = f"{column.removeprefix('n_')}_of_a_patient"
        meaning = f"{what} of a patient, over patients"
        yield tidy(name, _spread(patients[column]), unit=unit, by="point", meaning=meaning, **about)
    yield tidy("labels_gini", gini(patients["n_labels"]), unit="1", **about,
               meaning="Gini coefficient of labels over patients; 0: all have alike")  # fmt: skip
    yield tidy("labels_of_busiest_patients", busiest_share(patients), unit="1", **about,
               meaning=f"share of labels of the {_BUSIEST:.0%} of patients with most")  # fmt: skip
    shares = patients["n_classes"].value_counts(normalize=True).sort_index()
    yield tidy("classes_of_a_patient", shares, unit="1", by="classes", **about,
               meaning="share of patients whose labels have so many classes")  # fmt: skip


def _of_classes(classes: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for unit, what in (
        ("label", "labels by consensus"),
        ("window", "windows by consensus"),
        ("eeg", "EEGs by the class of most of their labels"),
    ):
        for tier, table in classes.groupby("tier", sort=False):
            by = "class" if tier == "all" else f"class, {tier} votes"
            shares = table.set_index("class")[f"{unit}_share"]
            yield tidy(f"{unit}_share", shares, unit="1", n=int(table[f"n_{unit}s"].sum()), by=by,
                       n_of=f"{unit}s", meaning=f"share of {what}")  # fmt: skip
    table = classes[classes["tier"] == "all"].set_index("class")
    n_labels = int(table["n_labels"].sum())
    yield tidy("mean_vote_share", table["mean_vote_share"], unit="1", n=n_labels, n_of="labels",
               by="class", meaning="share of a label's votes, mean over labels")  # fmt: skip
    patients = round((table["n_patients"] / table["patient_share"]).max())
    yield tidy("patient_share", table["patient_share"], unit="1", n=patients, by="class",
               n_of="patients", meaning="share of patients with a label of the class")  # fmt: skip


def _of_votes(labels: pd.DataFrame) -> Iterator[pd.DataFrame]:
    about = {"n": len(labels), "n_of": "labels"}
    yield tidy("votes_of_a_label", _spread(labels["n_votes"]), unit="count", by="point", **about,
               meaning="experts' votes on a label, over labels")  # fmt: skip
    yield tidy("entropy_of_votes", _spread(labels["entropy"]), unit="bits", by="point", **about,
               meaning="Shannon entropy of a label's votes, over labels")  # fmt: skip
    yield tidy("consensus_not_leading", (~labels["consensus_leads"]).mean(), unit="1", **about,
               meaning="share of labels of which another class has more votes")  # fmt: skip
    sizes = labels["eeg_id"].value_counts()
    yield tidy("labels_of_an_eeg", _spread(sizes), unit="count", by="point", n=len(sizes),
               n_of="eegs", meaning="labels of an EEG, over EEGs")  # fmt: skip
    windows = labels.groupby("eeg_id")["window"].nunique()
    yield tidy("windows_of_an_eeg", _spread(windows), unit="count", by="point", n=len(windows),
               n_of="eegs", meaning="distinct votes of an EEG, over EEGs")  # fmt: skip


def _of_agreement(agreement: pd.DataFrame) -> Iterator[pd.DataFrame]:
    measures = {
        "mean_entropy": ("bits", "n_labels", "mean entropy of votes, by consensus"),
        "tied_share": ("1", "n_labels", "share of labels without a single largest class"),
        "agreement": ("1", "n_pair_labels", "a second expert says the class where a first does"),
        "kappa": ("1", "n_pair_labels", "agreement of two experts beyond chance"),
    } | {
        f"{level.replace(' ', '_')}_share": ("1", "n_labels", f"share of labels with {level}")
        for level in LEVELS
    }
    for tier, table in agreement.groupby("tier", sort=False):
        by = "class" if tier == "all" else f"class, {tier} votes"
        table = table.set_index("class")
        for name, (unit, n, meaning) in measures.items():
            yield tidy(name, table[name], unit=unit, n=table[n], by=by, n_of="labels",
                       meaning=meaning)  # fmt: skip


def _of_overlap(overlap: pd.DataFrame) -> Iterator[pd.DataFrame]:
    table = overlap.set_index("window")
    for name, unit, n, n_of, meaning in (
        ("overlapping_share", "1", "n_neighbours", "neighbours", "of neighbouring windows"),
        ("median_step_seconds", "s", "n_neighbours", "neighbours", "from label to label of a file"),
        ("summed_seconds", "s", "n_labels", "labels", "of windows, each on its own"),
        ("covered_seconds", "s", "n_labels", "labels", "of files, each second once"),
        ("independent_windows", "count", "n_labels", "labels", "windows that fit into covered"),
    ):
        yield tidy(name, table[name], unit=unit, n=table[n], by="window", n_of=n_of,
                   meaning=meaning)  # fmt: skip


def _of_offsets(labels: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for file in ("eeg", "spectrogram"):
        known = labels[labels[f"{file}_id"] != NO_SPECTROGRAM]
        yield tidy(f"{file}_label_offset_seconds", _spread(known[f"{file}_label_offset_seconds"]),
                   unit="s", n=len(known), by="point", n_of="labels",
                   meaning=f"where a label's window starts in its {file} file")  # fmt: skip


def tabulate_label_statistics(
    labels: pd.DataFrame,
    counts: pd.DataFrame,
    patients: pd.DataFrame,
    classes: pd.DataFrame,
    agreement: pd.DataFrame,
    overlap: pd.DataFrame,
) -> pd.DataFrame:
    """Write what the labels say as a tidy table.

    Args:
        labels: see ``vote_nodes.describe_labels``.
        counts: see ``label_nodes.count_labels``.
        patients: see ``label_nodes.tabulate_patients``.
        classes: see ``label_nodes.tabulate_classes``.
        agreement: see ``vote_nodes.tabulate_agreement``.
        overlap: see ``label_nodes.tabulate_overlap``.

    Returns:
        The columns of ``hbac.pipelines.eda.statistics.tidy``, a row a number.
    """
    parts = [
        *_of_counts(counts),
        *_of_patients(patients),
        *_of_classes(classes),
        *_of_votes(labels),
        *_of_agreement(agreement),
        *_of_overlap(overlap),
        *_of_offsets(labels),
    ]
    return pd.concat(parts, ignore_index=True)
