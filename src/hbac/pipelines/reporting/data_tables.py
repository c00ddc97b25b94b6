"""Tables of a data set as the report shows them, below the figures."""

from __future__ import annotations

import pandas as pd

from hbac.pipelines.reporting.words import interval, table_of
from hbac.report import Table


def with_intervals(frame: pd.DataFrame, **names: str) -> pd.DataFrame:
    """The same table with an interval in words for each score.

    Args:
        frame: with columns ``<score>_low`` and ``<score>_high``.
        **names: score by name of the column that is added.
    """
    texts = {
        column: [
            interval(low, high)
            for low, high in zip(frame[f"{score}_low"], frame[f"{score}_high"], strict=True)
        ]
        for column, score in names.items()
    }
    return frame.assign(**texts)


def _of_all_votes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["tier"] == "all"]


def table_of_classes(classes: pd.DataFrame) -> Table:
    """Labels, recordings and patients of each class."""
    names = {
        "class": "class",
        "n_labels": "labels",
        "label_share": "share",
        "n_eegs": "EEGs",
        "eeg_share": "share ",
        "mean_vote_share": "mean share of votes",
        "n_patients": "patients",
        "patient_share": "share of patients",
    }
    caption = (
        "Classes by the consensus of labels, by that of most of an EEG's labels, by votes, and by "
        "patients with a label of the class, who may count for several."
    )
    return table_of(_of_all_votes(classes), caption, names)


def table_of_agreement(agreement: pd.DataFrame) -> Table:
    """How far two experts agree, by class."""
    shown = with_intervals(_of_all_votes(agreement), raw="agreement", beyond="kappa")
    shown = shown.assign(**{"class": shown["class"].replace("all", "all classes")})
    names = {
        "class": "class",
        "n_labels": "labels",
        "n_patients": "patients",
        "mean_entropy": "mean entropy in bits",
        "n_pair_labels": "labels with a pair",
        "agreement": "agreement",
        "raw": "interval",
        "kappa": "kappa",
        "beyond": "interval ",
    }
    caption = (
        "Labels by consensus, and how often a second expert says the class where a first does: as "
        "a share of pairs, and beyond chance (kappa), each with the 95 % interval of 1,000 draws "
        "of patients."
    )
    return table_of(shown, caption, names)


def table_of_overlap(overlap: pd.DataFrame) -> Table:
    """How far windows of neighbouring labels overlap."""
    names = {
        "window": "window",
        "seconds": "seconds",
        "n_neighbours": "neighbours",
        "overlapping_share": "share that overlaps",
        "median_step_seconds": "median step in s",
        "independent_windows": "windows that fit side by side",
    }
    caption = (
        "Windows of neighbouring labels of one file. The last column says how many windows the "
        "same seconds would hold if none overlapped."
    )
    return table_of(overlap, caption, names)


def table_of_missing_data(missing: pd.DataFrame) -> Table:
    """Missing samples by channel."""
    names = {
        "channel": "channel",
        "n_eegs": "EEGs",
        "mean_share": "mean share missing",
        "worst_share": "worst EEG",
        "eegs_with_gaps": "EEGs with gaps",
        "eegs_without_channel": "EEGs without it",
    }
    return table_of(missing, "Missing samples by channel, as shares of an EEG.", names)


def table_of_quality(quality: pd.DataFrame) -> Table:
    """Amplitude and hum by channel."""
    mains = quality["mains_hz"].iloc[0]
    shown = quality.assign(
        amplitude=[
            interval(low, high, 1)
            for low, high in zip(
                quality["amplitude_uv_q25"], quality["amplitude_uv_q75"], strict=True
            )
        ]
    )
    names = {
        "channel": "channel",
        "n_eegs": "EEGs",
        "amplitude_uv_median": "median amplitude in µV",
        "amplitude": "middle half of EEGs",
        "flat_share_mean": "mean share flat",
        "extreme_share_mean": "mean share extreme",
        "clipped_share_mean": "mean share clipped",
        "hum_db_median": f"median hum at {mains} Hz in dB",
    }
    caption = (
        "Quality by channel, over EEGs. Amplitude: 95th percentile of the absolute value above 0.5 "
        "Hz. Flat: seconds that span less than 1 µV. Extreme: seconds beyond 500 µV (EKG: 5,000). "
        "Clipped: samples beyond that of their channel's baseline, which the recipe strong cuts. "
        f"Hum: power within 1 Hz of {mains} Hz over that 2 to 5 Hz away."
    )
    return table_of(shown, caption, names)
