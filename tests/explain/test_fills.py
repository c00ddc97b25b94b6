import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hbac.eeg.gaps import MISSING
from hbac.explain.fills import blurred, interpolated, mean_spectrum, replace_by, replace_by_line
from hbac.models.image import ImageLayout

RNG = np.random.default_rng(0)
PANELS = ImageLayout(size=(32, 64)).panels()


def test_the_mean_spectrum_keeps_frequencies_and_loses_time():
    level = RNG.normal(size=(32, 2))
    spectrum = np.repeat(level, 32, axis=1)
    wave = np.tile(np.cos(2 * np.pi * np.arange(32) / 8), 2)
    pictures = spectrum + np.array([1, -2, 4])[:, None, None] * (0.5 + wave)
    fill = mean_spectrum(pictures, PANELS)
    assert fill.dtype == np.float32
    np.testing.assert_allclose(fill, spectrum + 0.5, atol=1e-6)


def test_what_is_missing_does_not_count_in_the_mean_spectrum():
    pictures = RNG.normal(3, 1, (4, 32, 64))
    expected = mean_spectrum(pictures[[0, 2]], PANELS)
    gone, last = PANELS[2], PANELS[3]
    pictures[[1, 3]] = MISSING
    pictures[:, gone.rows, gone.columns] = MISSING
    expected[gone.rows, gone.columns] = MISSING
    half = slice(last.columns.start, last.columns.start + 16)
    expected[last.rows, last.columns] = pictures[[0, 2], last.rows, half].mean(axis=(0, 2))[:, None]
    pictures[:, last.rows, half.stop : last.columns.stop] = MISSING
    np.testing.assert_allclose(mean_spectrum(pictures, PANELS), expected, atol=1e-6)


def test_the_mean_spectrum_of_half_floats_is_exact():
    pictures = np.full((200, 32, 64), 2.001, np.float16)
    np.testing.assert_array_equal(mean_spectrum(pictures, PANELS), np.float32(pictures[0]))


def test_blurring_is_a_gaussian_filter_of_each_panel():
    pictures = RNG.normal(size=(3, 32, 64))
    smooth = blurred(pictures, PANELS, sigma=0.125)
    for panel in PANELS:
        part = pictures[:, panel.rows, panel.columns]
        expected = gaussian_filter(part, (0, 1, 4))
        np.testing.assert_allclose(smooth[:, panel.rows, panel.columns], expected, atol=1e-5)


def test_nothing_is_blurred_across_panels():
    pictures = np.zeros((1, 32, 64))
    panel = PANELS[1]
    pictures[:, panel.rows, panel.columns] = 1 + RNG.normal(size=(8, 32))
    smooth = blurred(pictures, PANELS, sigma=0.3)
    inside = np.zeros((32, 64), bool)
    inside[panel.rows, panel.columns] = True
    assert (smooth[0][~inside] == 0).all()
    assert (smooth[0][inside] != 0).all()
    np.testing.assert_allclose(smooth.mean(), pictures.mean(), rtol=1e-5)


def test_only_lost_pixels_take_the_fill():
    pictures = RNG.normal(size=(3, 32, 64))
    pixels = RNG.random((2, 32, 64)) < 0.5
    numbers = np.array([2, 0])
    for fill in (np.full((32, 64), 9.0), RNG.normal(size=(3, 32, 64))):
        changed = replace_by(pictures, fill)(numbers, pixels)
        of_picture = np.broadcast_to(fill, pictures.shape)[numbers]
        np.testing.assert_array_equal(changed[pixels], of_picture[pixels])
        np.testing.assert_array_equal(changed[~pixels], pictures[numbers][~pixels])


def test_sigma_must_be_positive():
    with pytest.raises(ValueError, match="positive, received 0"):
        blurred(np.zeros((1, 32, 64)), PANELS, sigma=0)


def test_a_line_in_time_stays_within_its_channel():
    waveforms = np.stack([np.arange(8.0), 100 - 2 * np.arange(8.0)])[np.newaxis]
    removed = np.zeros(waveforms.shape, bool)
    removed[0, 0, 2:5], removed[0, 1, 6:] = True, True
    changed = waveforms + np.where(removed, 1000, 0)
    expected = waveforms.copy()
    expected[0, 1, 6:] = 90  # beyond the last sample that is left, its value
    np.testing.assert_allclose(interpolated(changed, removed), expected, rtol=1e-6)
    assert interpolated(changed, np.ones_like(removed)).tolist() == np.full((1, 2, 8), 0).tolist()


def test_each_waveform_gets_its_own_line():
    waveforms = RNG.normal(size=(3, 4, 20))
    removed = np.zeros((2, 4, 20), bool)
    removed[:, 1, 5:9] = True
    replaced = replace_by_line(waveforms)(np.array([2, 0]), removed)
    kept = np.where(removed, 0, waveforms[[2, 0]])
    np.testing.assert_allclose(np.where(removed, 0, replaced), kept, rtol=1e-6)
    ends = waveforms[[2, 0], 1][:, [4, 9]]
    lines = np.linspace(ends[:, 0], ends[:, 1], 6, axis=1)[:, 1:-1]
    np.testing.assert_allclose(replaced[:, 1, 5:9], lines, rtol=1e-5)
