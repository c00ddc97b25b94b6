import numpy as np
import pytest

from hbac.eeg.half import all_finite, to_half, widen

HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16)


def bits(values):
    return values.view(np.uint16)


def test_halves_stay_what_they_are():
    single = HALVES.astype(np.float32)
    known = ~np.isnan(single)
    np.testing.assert_array_equal(bits(to_half(single[known])), bits(HALVES[known]))
    assert np.isnan(to_half(single[~known])).all()


@pytest.mark.filterwarnings("ignore:overflow")
def test_what_lies_between_two_halves_is_rounded_as_numpy_rounds():
    finite = np.sort(HALVES[np.isfinite(HALVES)].astype(np.float32))
    middle = (finite[1:] + finite[:-1]) / 2
    for values in (middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf)):
        values = values.astype(np.float32)
        np.testing.assert_array_equal(bits(to_half(values)), bits(values.astype(np.float16)))


@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_of_every_size_are_rounded_as_numpy_rounds():
    patterns = np.random.default_rng(0).integers(0, 2**32, 500_000, np.uint32)
    values = patterns.view(np.float32)
    values = np.append(values[~np.isnan(values)], np.float32([65519.9, 65520, -65520, 1e-30, -0.0]))
    np.testing.assert_array_equal(bits(to_half(values)), bits(values.astype(np.float16)))


def test_numbers_of_64_bits_are_rounded_once():
    above = 1 + 2.0**-11 + 2.0**-30
    values = np.array([above, -above])
    assert (to_half(values.astype(np.float32)) == [1, -1]).all()
    assert (to_half(values) == [1 + 2.0**-10, -1 - 2.0**-10]).all()


def test_shape_and_strides_are_kept_apart():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(to_half(values.T), values.T.astype(np.float16))
    assert to_half(values[:0]).shape == (0, 3, 4)


def test_every_half_becomes_what_numpy_makes_of_it():
    finite = HALVES[np.isfinite(HALVES)]
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
