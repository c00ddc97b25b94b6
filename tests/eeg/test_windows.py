import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import VOTE_COLUMNS
from hbac.eeg.windows import select_windows, window_start


def labels(rows):
    """Rows of eeg_id, patient_id, eeg offset, spectrogram offset and the first two vote counts."""
    table = pd.DataFrame(
        rows,
        columns=[
            "eeg_id",
            "patient_id",
            "eeg_label_offset_seconds",
            "spectrogram_label_offset_seconds",
            "seizure_vote",
            "lpd_vote",
        ],
    )
    return table.assign(spectrogram_id=table["eeg_id"] + 1000, **dict.fromkeys(VOTE_COLUMNS[2:], 0))


def test_per_eeg_sums_the_votes_and_takes_the_middle():
    windows = select_windows(
        labels([(7, 1, 0, 4, 3, 0), (7, 1, 2, 6, 2, 2), (7, 1, 40, 44, 0, 1), (3, 2, 0, 0, 1, 0)]),
        policy="per_eeg",
    )
    assert windows["eeg_id"].tolist() == [3, 7]
    seven = windows.iloc[1]
    assert (seven["eeg_offset_seconds"], seven["spectrogram_offset_seconds"]) == (20, 24)
    assert seven["n_votes"] == 8
    assert seven["seizure_vote"] == pytest.approx(5 / 8)
    assert windows[list(VOTE_COLUMNS)].sum(axis=1).tolist() == [1, 1]


def test_distinct_votes_makes_a_window_of_each_vote_vector():
    windows = select_windows(
        labels([(7, 1, 0, 4, 3, 0), (7, 1, 4, 8, 3, 0), (7, 1, 40, 44, 0, 1)]),
        policy="distinct_votes",
    )
    assert windows["window"].tolist() == [0, 1]
    assert windows["eeg_offset_seconds"].tolist() == [2, 40]
    assert windows["n_votes"].tolist() == [6, 1]


def test_offsets_and_votes_of_a_test_table_are_unknown():
    table = pd.DataFrame({"eeg_id": [5], "spectrogram_id": [6], "patient_id": [7]})
    window = select_windows(table, policy="distinct_votes").iloc[0]
    assert np.isnan(window["eeg_offset_seconds"])
    assert window["n_votes"] == 0
    assert np.isnan(window[list(VOTE_COLUMNS)].to_numpy(float)).all()


def test_a_window_without_an_offset_stands_in_the_middle():
    assert window_start(np.nan, duration=90, seconds=50) == 20
    assert window_start(7, duration=90, seconds=50) == 7


def test_an_eeg_of_two_patients_is_refused():
    with pytest.raises(ValueError, match="eeg_id 7"):
        select_windows(labels([(7, 1, 0, 0, 1, 0), (7, 2, 0, 0, 1, 0)]), policy="per_eeg")


def test_the_labels_are_not_changed():
    table = labels([(7, 1, 0, 0, 1, 0)])
    before = table.copy()
    select_windows(table, policy="per_eeg")
    pd.testing.assert_frame_equal(table, before)
