"""What the table of labels holds: nodes that read no recording."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from hbac.eeg.recording import Recording
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM


def _without_file(ids: pd.Series, files: dict[str, Callable]) -> int:
    return len(set(ids.astype(str)) - set(files))


def count_labels(
    labels: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
) -> pd.DataFrame:
    """Count what a data set holds.

    Args:
        labels: the columns of ``train.csv``.
        eegs: load functions of EEG files, by id.
        spectrograms: load functions of spectrogram files, by id.

    Returns:
        Columns ``quantity``, ``value`` (whole numbers) and ``meaning``, a row a quantity.
    """
    has_spectrogram = labels["spectrogram_id"] != NO_SPECTROGRAM
    spectrogram_ids = labels.loc[has_spectrogram, "spectrogram_id"]
    votes = labels[list(VOTE_COLUMNS)].sum(axis=1)
    ends = labels.groupby("eeg_id")["eeg_label_offset_seconds"].max() + WINDOW_SECONDS
    rows = [
        ("patients", labels["patient_id"].nunique(), "distinct patients"),
        ("eegs", labels["eeg_id"].nunique(), "distinct EEGs with a label"),
        ("spectrograms", spectrogram_ids.nunique(), "distinct spectrograms with a label"),
        ("labels", len(labels), "rows of the table"),
        ("labels_without_spectrogram", (~has_spectrogram).sum(), "labels with EEG alone"),
        ("votes", votes.sum(), "experts' votes over all labels"),
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
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"]).astype({"value": int})
