import numpy as np

from hbac.eeg.gaps import MISSING
from hbac.models.missing import fill_missing, holds_nothing


def test_what_is_missing_becomes_one_value_and_keeps_its_type():
    values = np.array([[1, np.nan], [np.nan, -2]], np.float16)
    filled = fill_missing(values)
    assert filled.dtype == np.float16
    assert filled.tolist() == [[1, MISSING], [MISSING, -2]]
    assert np.isnan(values).sum() == 2
    assert fill_missing(filled) is filled


def test_a_window_of_nothing_else_is_found():
    windows = np.full((4, 8, 10), MISSING, np.float16)
    windows[1, 4, 3] = 1
    windows[3, 0, 9] = -1
    assert holds_nothing(windows).tolist() == [True, False, True, False]
    assert holds_nothing(windows[:0]).tolist() == []
