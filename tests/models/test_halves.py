import numpy as np
import pytest

from hbac.models.halves import all_finite, widen


def test_every_half_becomes_what_numpy_makes_of_it():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    wide = np.empty(finite.shape, np.float32)
    widen(finite, wide)
    np.testing.assert_array_equal(wide.view(np.uint32), finite.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f2"])
def test_what_is_not_finite_is_found(dtype):
    values = np.full(9, np.finfo(np.float16).max, dtype)
    assert all_finite(values)
    assert all_finite(-values)
    for value in (np.nan, -np.nan, np.inf, -np.inf):
        values[3] = value
        assert not all_finite(values)
