from typing import get_args

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import VOTE_COLUMNS, VOTE_COUNT_COLUMNS, vote_fractions
from hbac.eeg.windows import Policy, append_unlabelled, select_windows, window_start


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
    assert seven["n_votes"] == 4
    assert seven[list(VOTE_COUNT_COLUMNS)].tolist() == [2, 2, 0, 0, 0, 0]
    assert seven["seizure_vote"] == pytest.approx(5 / 8)
    assert windows[list(VOTE_COLUMNS)].sum(axis=1).tolist() == [1, 1]


def test_one_expert_on_twelve_labels_is_one_vote():
    table = labels([(7, 1, 2 * number, 2 * number, 1, 0) for number in range(12)])
    for policy in get_args(Policy):
        window = select_windows(table, policy=policy).iloc[0]
        assert window["n_votes"] == 1
        assert window[list(VOTE_COUNT_COLUMNS)].tolist() == [1, 0, 0, 0, 0, 0]


def test_of_labels_with_most_votes_the_first_is_counted():
    table = labels([(7, 1, 4, 4, 0, 3), (7, 1, 2, 2, 3, 0), (7, 1, 0, 0, 1, 0)])
    window = select_windows(table, policy="per_eeg").iloc[0]
    assert window[list(VOTE_COUNT_COLUMNS)].tolist() == [3, 0, 0, 0, 0, 0]
    assert window["seizure_vote"] == pytest.approx(4 / 7)


def test_both_offsets_of_a_middle_are_of_one_moment():
    table = labels([(7, 1, 0, 100, 1, 0), (7, 1, 10, 110, 1, 0), (7, 1, 40, 200, 1, 0)])
    window = select_windows(table, policy="per_eeg").iloc[0]
    # A third of the way from the second label to the third, in either file.
    assert (window["eeg_offset_seconds"], window["spectrogram_offset_seconds"]) == (20, 140)


def test_distinct_votes_makes_a_window_of_each_vote_vector():
    windows = select_windows(
        labels([(7, 1, 0, 4, 3, 0), (7, 1, 4, 8, 3, 0), (7, 1, 40, 44, 0, 1)]),
        policy="distinct_votes",
    )
    assert windows["window"].tolist() == [0, 1]
    assert windows["eeg_offset_seconds"].tolist() == [0, 40]
    assert windows["n_votes"].tolist() == [3, 1]


@pytest.mark.parametrize(
    ("order", "place"),
    [
        ("aba", 0),
        ("abaa", 4),
        ("abaaa", 6),
        ("aaabaaa", 2),
        ("baaab", 4),
        ("aaaab", 2),
    ],
)
def test_a_window_stands_in_the_middle_of_the_longest_run_of_its_votes(order, place):
    rows = [(7, 1, 2 * at, 2 * at + 90, *((5, 0), (0, 3))[k == "b"]) for at, k in enumerate(order)]
    windows = select_windows(labels(rows[::-1]), policy="distinct_votes")
    window = windows[windows["seizure_vote"] == 1].iloc[0]
    assert (window["eeg_offset_seconds"], window["spectrogram_offset_seconds"]) == (
        place,
        place + 90,
    )


def test_every_window_of_distinct_votes_is_a_label():
    random = np.random.default_rng(0)
    eeg = random.integers(0, 40, 800)
    places = [random.integers(0, most, 800) for most in (30, 99)]
    counts = [random.integers(least, 3, 800) for least in (1, 0)]
    table = labels(np.column_stack([eeg, eeg // 3, *places, *counts]))
    windows = select_windows(table, policy="distinct_votes")
    counted = windows[list(VOTE_COUNT_COLUMNS)].to_numpy()
    np.testing.assert_allclose(windows[list(VOTE_COLUMNS)], vote_fractions(counted))
    assert windows["n_votes"].tolist() == counted.sum(axis=1).tolist()
    places = ["eeg_id", "eeg_offset_seconds", "spectrogram_offset_seconds"]
    rows = windows[[*places, *VOTE_COUNT_COLUMNS]].astype(int).itertuples(index=False, name=None)
    real = table[[name.replace("_off", "_label_off") for name in places] + [*VOTE_COLUMNS]]
    assert set(rows) <= set(real.itertuples(index=False, name=None))
    assert len(windows) == len(table.groupby(["eeg_id", *VOTE_COLUMNS]))


@pytest.mark.parametrize("policy", get_args(Policy))
def test_windows_do_not_depend_on_the_order_of_rows(policy):
    random = np.random.default_rng(0)
    # Offsets that several labels share, too.
    columns = [random.integers(1, most, 60) for most in (6, 2, 7, 7, 4, 4)]
    table = labels(np.column_stack(columns))
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        select_windows(table, policy=policy), select_windows(shuffled, policy=policy)
    )


def test_offsets_and_votes_of_a_test_table_are_unknown():
    table = pd.DataFrame({"eeg_id": [5], "spectrogram_id": [6], "patient_id": [7]})
    window = select_windows(table, policy="distinct_votes").iloc[0]
    assert np.isnan(window["eeg_offset_seconds"])
    assert window["n_votes"] == 0
    assert (window[list(VOTE_COUNT_COLUMNS)] == 0).all()
    assert np.isnan(window[list(VOTE_COLUMNS)].to_numpy(float)).all()


def test_a_window_without_an_offset_stands_in_the_middle():
    assert window_start(np.nan, duration=90, seconds=50) == 20
    assert window_start(7, duration=90, seconds=50) == 7


def test_an_eeg_of_two_patients_is_refused():
    message = r"eeg_id 7 has labels with the patient_ids \[1, 2\]; give all labels .* the same"
    with pytest.raises(ValueError, match=message):
        select_windows(labels([(7, 1, 0, 0, 1, 0), (7, 2, 0, 0, 1, 0)]), policy="per_eeg")


def test_eegs_of_two_spectrograms_are_refused():
    table = labels([(eeg_id, 1, 0, 0, 1, 0) for eeg_id in (5, 7, 7, 8, 8)])
    table["spectrogram_id"] = range(5)
    message = r"eeg_id 7 has .* spectrogram_ids \[1, 2\], and 1 more EEGs are like it; give"
    with pytest.raises(ValueError, match=message):
        select_windows(table, policy="per_eeg")


def test_the_labels_are_not_changed():
    table = labels([(7, 1, 0, 0, 1, 0)])
    before = table.copy()
    select_windows(table, policy="per_eeg")
    pd.testing.assert_frame_equal(table, before)


def test_every_ten_seconds_with_the_same_votes_are_a_window():
    votes = [(3, 0)] * 8 + [(1, 2)] * 2 + [(3, 0)]
    rows = [(7, 1, 2 * number, 2 * number + 5, *vote) for number, vote in enumerate(votes)]
    windows = select_windows(labels(rows), policy="ten_seconds")
    assert windows["eeg_offset_seconds"].tolist() == [0, 10, 16, 20]
    assert windows["spectrogram_offset_seconds"].tolist() == [5, 15, 21, 25]
    assert windows["window"].tolist() == [0, 1, 2, 3]
    assert windows["seizure_vote"].tolist() == [1, 1, pytest.approx(1 / 3), 1]
    distinct = select_windows(labels(rows), policy="distinct_votes")
    assert len(distinct) == 2


def test_windows_without_votes_come_behind_those_of_their_eeg():
    labelled = select_windows(
        labels([(7, 1, 0, 0, 3, 0), (7, 1, 30, 30, 0, 2), (9, 2, 0, 0, 1, 0)]),
        policy="ten_seconds",
    )
    ids = {"eeg_id": [7, 8, 8], "patient_id": [1, 3, 3], "spectrogram_id": [1007, -1, -1]}
    unlabelled = pd.DataFrame(ids | {"eeg_label_offset_seconds": [10, 0, 40], "lpd_vote": 3})
    both = append_unlabelled(labelled, unlabelled, policy="ten_seconds")
    assert both["eeg_id"].tolist() == [7, 7, 7, 8, 8, 9]
    assert both["window"].tolist() == [0, 1, 2, 0, 1, 0]
    assert both["eeg_offset_seconds"].tolist() == [0, 30, 10, 0, 40, 0]
    assert both["n_votes"].tolist() == [3, 2, 0, 0, 0, 1]
    voted = both[both["n_votes"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(voted, labelled)
    assert both.loc[both["n_votes"] == 0, list(VOTE_COLUMNS)].isna().all(axis=None)
    with pytest.raises(ValueError, match=r"eeg_id 7 has labels with the patient_ids \[1, 4\]"):
        append_unlabelled(labelled, unlabelled.assign(patient_id=4), policy="ten_seconds")
