import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import LabelsDataset
from hbac.eeg.simulation import plan_cohort
from hbac.eeg.votes import VOTE_COLUMNS

LABEL = {
    "eeg_id": 5,
    "eeg_sub_id": 0,
    "eeg_label_offset_seconds": 0.0,
    "spectrogram_id": 6,
    "spectrogram_sub_id": 0,
    "spectrogram_label_offset_seconds": 0.0,
    "label_id": 8,
    "patient_id": 9,
    "expert_consensus": "GPD",
    "seizure_vote": 0,
    "lpd_vote": 1,
    "gpd_vote": 2,
    "lrda_vote": 0,
    "grda_vote": 0,
    "other_vote": 0,
}
SECOND = LABEL | {"eeg_sub_id": 1, "label_id": 9}


def load(tmp_path, *rows, votes=True, drop=()):
    path = tmp_path / "train.csv"
    pd.DataFrame(list(rows), dtype=object).drop(columns=list(drop)).to_csv(path, index=False)
    return LabelsDataset(votes=votes, filepath=str(path)).load()


def of(*counts):
    return dict(zip(VOTE_COLUMNS, counts, strict=True))


def test_good_labels_pass_with_columns_of_their_own(tmp_path):
    table = load(tmp_path, LABEL | {"source": "a"}, SECOND | {"source": "007"})
    assert table["source"].tolist() == ["a", "007"]
    assert table["gpd_vote"].dtype == int
    pd.testing.assert_frame_equal(table[list(LABEL)], pd.DataFrame([LABEL, SECOND]))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"train\.csv lacks the columns \['gpd_vote'\]"):
        load(tmp_path, LABEL, drop=["gpd_vote"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lpd_vote": 0, "gpd_vote": 0}, r"given at least one vote; line 3 \(eeg_id 5\)"),
        ({"lpd_vote": -1}, r"lpd_vote must be at least 0; line 3 \(eeg_id 5\): -1"),
        ({"lpd_vote": 1.9}, r"lpd_vote must be a whole number; line 3 \(eeg_id 5\): 1\.9"),
        ({"lpd_vote": ""}, r"lpd_vote must be a number; line 3 \(eeg_id 5\): nothing"),
        ({"lpd_vote": "1e999999999"}, "lpd_vote must be a number of 64 bits; line 3"),
        ({"eeg_label_offset_seconds": -2}, r"must be at least 0; line 3 \(eeg_id 5\): -2"),
        ({"eeg_label_offset_seconds": "inf"}, r"must be a number; line 3 \(eeg_id 5\): inf"),
        ({"eeg_label_offset_seconds": "nan"}, r"must be a number; line 3 \(eeg_id 5\): nan"),
        ({"spectrogram_label_offset_seconds": "1e400"}, r"must be finite; line 3 .*: 1e400"),
        ({"expert_consensus": "GPDs"}, r"expert_consensus must be one of .*: GPDs"),
        ({"expert_consensus": "LPD"}, r"a class with the most votes; line 3 \(eeg_id 5\): LPD"),
        ({"eeg_id": 1.7}, r"eeg_id must be a whole number; line 3 \(eeg_id 1\.7\): 1\.7"),
        ({"eeg_id": 2**63}, r"eeg_id must be a number of 64 bits; line 3 .*: 9223372036854775808"),
        ({"eeg_id": "1,5"}, r"eeg_id must be a number; line 3 .*: 1,5"),
        ({"eeg_id": "1_000"}, r"eeg_id must be a number; line 3 .*: 1_000"),
        ({"patient_id": "abc"}, r"patient_id must be .*abc"),
        ({"spectrogram_id": -2}, "at least 0, or -1 where there is no file; line 3 .*: -2"),
        ({"label_id": 8}, r"label_id must be in the table once; line 3 \(eeg_id 5\): 8"),
        ({"eeg_sub_id": 0}, r"a label must be in the table once; line 3 \(eeg_id 5\)"),
    ],
)
def test_a_bad_value_is_named_with_its_line(tmp_path, change, message):
    with pytest.raises(DatasetError, match=message) as error:
        load(tmp_path, LABEL, SECOND | change)
    assert "train.csv cannot be used" in str(error.value)
    assert "run again" in str(error.value)


def test_every_fault_is_counted_and_the_first_lines_are_named(tmp_path):
    rows = [SECOND | {"label_id": n, "lpd_vote": 0.5, "eeg_sub_id": n} for n in range(9)]
    with pytest.raises(DatasetError) as error:
        load(tmp_path, *rows, LABEL | {"label_id": 10, "patient_id": 2.5})
    assert "line 2 (eeg_id 5): 0.5, line 3 (eeg_id 5): 0.5, line 4" in str(error.value)
    assert "and 6 more" in str(error.value)
    assert "patient_id must be a whole number; line 11 (eeg_id 5): 2.5" in str(error.value)


@pytest.mark.parametrize(
    "text", ["28.999999999999996", "29.0", "2.9e1", "28.999998", " 29 ", "+29"]
)
def test_a_count_that_is_whole_but_for_rounding_is_that_count(tmp_path, text):
    assert load(tmp_path, LABEL | {"gpd_vote": text})["gpd_vote"].tolist() == [29]


@pytest.mark.parametrize(
    ("text", "value"), [("1.0", 1), ("1e3", 1000), ("9007199254740993", 2**53 + 1), ("-7", -7)]
)
def test_an_id_keeps_every_digit(tmp_path, text, value):
    # Beside an id in decimal notation, too, which would make floats of a column of pandas.
    table = load(tmp_path, LABEL | {"patient_id": text}, SECOND | {"patient_id": "2.0"})
    assert table["patient_id"].tolist() == [value, 2]
    assert table["patient_id"].dtype == np.int64


@pytest.mark.parametrize("shares", [of(0.5, 0.25, 0, 0, 0, 0.25), of(0, 1 / 3, 2 / 3, 0, 0, 0)])
def test_shares_are_told_that_counts_are_wanted(tmp_path, shares):
    with pytest.raises(DatasetError, match=r"experts, not shares that sum to 1; line 3 \(eeg_id 5"):
        load(tmp_path, LABEL, SECOND | shares)


def test_what_is_no_number_is_not_called_a_share(tmp_path):
    with pytest.raises(DatasetError, match="lpd_vote must be a number; line 2"):
        load(tmp_path, LABEL | of(0, "x", 1, 0, 0, 0))


@pytest.mark.parametrize("consensus", ["LPD", "GPD"])
def test_of_a_tie_either_class_is_the_consensus(tmp_path, consensus):
    tie = LABEL | of(0, 2, 2, 1, 0, 0) | {"expert_consensus": consensus}
    assert load(tmp_path, tie)["expert_consensus"].tolist() == [consensus]


def test_a_table_of_recordings_needs_no_votes_and_may_repeat_itself(tmp_path):
    row = {"spectrogram_id": -1, "eeg_id": 1, "patient_id": 3}
    assert load(tmp_path, row, row, votes=False).to_dict("records") == [row, row]


def test_a_table_of_recordings_may_leave_offsets_and_votes_open(tmp_path):
    open_ = {"eeg_label_offset_seconds": "", "seizure_vote": ""}
    table = load(tmp_path, LABEL | open_, SECOND, votes=False)
    np.testing.assert_array_equal(table["eeg_label_offset_seconds"], [np.nan, 0])
    np.testing.assert_array_equal(table["seizure_vote"], [np.nan, 0])
    with pytest.raises(DatasetError, match="patient_id must be a number; line 2"):
        load(tmp_path, LABEL | {"patient_id": ""}, votes=False)


def test_a_table_that_may_be_absent_has_no_row_then(tmp_path):
    path = str(tmp_path / "unlabelled.csv")
    absent = LabelsDataset(filepath=path, votes=False, may_be_absent=True)
    assert absent.load().empty
    assert absent.is_readable()
    assert not absent.exists()
    assert {"eeg_id", "patient_id", "spectrogram_id"} <= set(absent.load())
    with pytest.raises(DatasetError, match=r"unlabelled\.csv"):
        LabelsDataset(filepath=path, votes=False).load()
    assert not LabelsDataset(filepath=path, votes=False).is_readable()
    pd.DataFrame({"eeg_id": [1], "patient_id": [2], "spectrogram_id": [-1]}).to_csv(path)
    assert absent.load()["patient_id"].tolist() == [2]


def test_simulated_tables_come_back_as_they_were(tmp_path):
    cohort = plan_cohort(
        patients=20,
        sessions_per_patient=(1, 2),
        eegs_per_session=(1, 2),
        eeg_seconds=(50, 120),
        labels_per_eeg=(2, 6),
        test_patients=6,
        test_without_spectrogram=0.4,
        test_long_seconds=(600, 720),
        ambiguity=0.3,
        gap_fraction=0.1,
        dead_channel_fraction=0.1,
        mains_frequency=60.0,
        seed=4,
    )
    for votes, table in ((True, cohort.train_labels), (False, cohort.test_labels)):
        dataset = LabelsDataset(votes=votes, filepath=str(tmp_path / "labels.csv"))
        dataset.save(table)
        pd.testing.assert_frame_equal(dataset.load(), table)


def test_a_real_table_comes_back_as_it_was(iiic):
    expected = pd.read_csv(iiic / "train.csv", dtype={"source": str})
    table = LabelsDataset(votes=True, filepath=str(iiic / "train.csv")).load()
    pd.testing.assert_frame_equal(table, expected)


def test_the_preview_is_the_first_rows(tmp_path):
    load(tmp_path, LABEL, SECOND)
    dataset = LabelsDataset(votes=True, filepath=str(tmp_path / "train.csv"))
    assert dataset.preview(nrows=1)["data"] == [list(LABEL.values())]


def test_a_table_is_saved_and_read_on_another_file_system():
    dataset = LabelsDataset(votes=True, filepath="memory://labels/train.csv")
    dataset.save(pd.DataFrame([LABEL]))
    assert dataset.load().to_dict("records") == [LABEL]
