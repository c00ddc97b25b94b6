import numpy as np
import pandas as pd
import pytest

from hbac.evaluation.leakage import LeakageError, check_folds


@pytest.fixture
def table():
    """Two patients a fold, each with two overlapping windows of one recording."""
    patient = np.repeat(np.arange(4), 2)
    return pd.DataFrame(
        {
            "patient_id": patient,
            "eeg_id": patient + 100,
            "eeg_offset_seconds": np.tile([0.0, 6.0], 4),
            "spectrogram_id": patient + 1000,
            "spectrogram_offset_seconds": np.tile([0.0, 6.0], 4),
            "fold": patient % 2,
        }
    )


def test_patients_in_one_fold_each_pass(table):
    check_folds(table)
    check_folds(table.assign(spectrogram_id=-1, eeg_offset_seconds=np.nan))


def test_a_patient_in_two_folds_is_named(table):
    table.loc[5, "fold"] = 1
    with pytest.raises(LeakageError, match=r"patient_id 2 is in the folds \[0, 1\]"):
        check_folds(table)


# A recording whose patient was entered under two numbers.
@pytest.mark.parametrize(
    ("recording", "offset", "gap", "leaks"),
    [
        ("eeg_id", "eeg_offset_seconds", 49, True),
        ("eeg_id", "eeg_offset_seconds", 50, False),
        ("spectrogram_id", "spectrogram_offset_seconds", 599, True),
        ("spectrogram_id", "spectrogram_offset_seconds", 600, False),
    ],
)
def test_windows_that_overlap_across_folds_are_named(table, recording, offset, gap, leaks):
    table.loc[2, recording] = table.loc[0, recording]
    table.loc[2, offset] = 6.0 + gap
    table.loc[3, offset] = 5000.0
    if not leaks:
        check_folds(table)
        return
    with pytest.raises(LeakageError, match=f"{recording} {table.loc[0, recording]} near 6 s"):
        check_folds(table)
