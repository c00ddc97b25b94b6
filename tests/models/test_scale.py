import keras
import numpy as np
import pytest

from hbac.eeg.gaps import MISSING
from hbac.models.scale import WINDOW_LIMIT, scaled_by_window, window_scale


@pytest.fixture
def windows():
    return np.random.default_rng(0).standard_normal((5, 16, 1000), np.float32)


def test_the_scale_of_gaussian_noise_is_its_standard_deviation(windows):
    gains = np.array([0.1, 1, 3, 10, 25], np.float32)[:, None, None]
    scales = window_scale(windows * gains)
    assert scales.shape == (5, 1, 1)
    np.testing.assert_allclose(scales, gains, rtol=0.02)


def test_tensors_are_scaled_as_arrays_are(windows):
    windows[0, 3] = 40
    windows[1] = MISSING
    tensors = keras.ops.convert_to_tensor(windows)
    for function in (window_scale, scaled_by_window):
        by_keras = keras.ops.convert_to_numpy(function(tensors, keras.ops))
        np.testing.assert_allclose(by_keras, function(windows), rtol=1e-5)


def test_what_is_missing_does_not_count(windows):
    holed = windows.copy()
    holed[:, :8] = MISSING
    holed[:, :, 300:600] = MISSING
    there = holed[0][holed[0] != MISSING].reshape(1, 8, -1)
    np.testing.assert_allclose(window_scale(holed)[0], window_scale(there)[0], rtol=1e-6)
    np.testing.assert_array_equal(scaled_by_window(holed)[:, :8], MISSING)


def test_a_window_of_nothing_stays_one():
    np.testing.assert_array_equal(scaled_by_window(np.zeros((2, 16, 100), np.float32)), 0)


def test_a_gain_changes_nothing(windows):
    windows[:, 2] *= 50
    once = scaled_by_window(windows)
    np.testing.assert_allclose(scaled_by_window(windows * 7.3), once, rtol=1e-5)
    assert np.abs(once).max() == WINDOW_LIMIT


@pytest.mark.parametrize(("loose", "most"), [(1, 1.02), (7, 1.25)])
def test_electrodes_that_came_loose_hide_no_others(windows, loose, most):
    before = window_scale(windows)
    windows[:, :loose] *= 100
    assert (window_scale(windows) / before < most).all()


def test_movement_of_four_seconds_in_ten_hides_nothing_either(windows):
    before = window_scale(windows)
    windows[:, :, 250:600] *= 100
    assert (window_scale(windows) / before < 1.25).all()


@pytest.mark.parametrize("samples", [50, 128, 997, 1250, 5000])
def test_windows_may_have_any_length(samples):
    noise = np.random.default_rng(0).standard_normal((3, 16, samples), np.float32)
    np.testing.assert_allclose(window_scale(4 * noise), 4, rtol=0.1)
