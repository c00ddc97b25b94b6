import numpy as np
import pytest

from hbac.eeg.gaps import MISSING
from hbac.models.amplifier import draw_amplifiers, record_anew
from hbac.models.scale import window_scale

RATE, SAMPLES, N = 100, 1000, 300
FREQUENCIES = np.fft.rfftfreq(SAMPLES, 1 / RATE)


def recorded(windows, seed=0, **settings):
    """The windows as another amplifier records them."""
    changed = windows.copy()
    drawn = draw_amplifiers(windows.shape, RATE, np.random.default_rng(seed), **settings)
    for number, window in enumerate(changed):
        record_anew(window, **{name: values[number] for name, values in drawn.items()})
    return changed


def noise_of(n=N, seed=1):
    return np.random.default_rng(seed).standard_normal((n, 4, SAMPLES), np.float32)


def responses(**settings):
    """Amplitude at each frequency of what becomes of an impulse, a row a window."""
    impulses = np.zeros((N, 1, SAMPLES), np.float32)
    impulses[..., 0] = 1
    # Zeros are what is missing, so the impulse is taken away again.
    filtered = recorded(impulses + 1, **settings) - recorded(np.ones_like(impulses), **settings)
    return np.abs(np.fft.rfft(filtered[:, 0]))


def test_nothing_turned_on_changes_nothing():
    windows = noise_of(2)
    np.testing.assert_allclose(recorded(windows), windows, atol=1e-6)


def test_gains_are_drawn_for_the_window_and_for_each_channel():
    windows = noise_of()
    whole = recorded(windows, gain=0.5)
    gains = whole.std(axis=(1, 2)) / windows.std(axis=(1, 2))
    np.testing.assert_allclose(whole, windows * gains[:, None, None], rtol=1e-3, atol=1e-4)
    assert np.log(gains).std() == pytest.approx(0.5, rel=0.15)
    each = np.log(recorded(windows, channel_gain=0.2).std(axis=2) / windows.std(axis=2))
    assert each.std() == pytest.approx(0.2, rel=0.1)
    assert each.std(axis=1).mean() > 0.15


@pytest.mark.parametrize("kind", ["low_pass", "high_pass"])
def test_a_cut_off_lies_where_it_was_asked_for(kind):
    factors = responses(**{kind: (10.0, 20.0)})
    passed = factors if kind == "low_pass" else factors[:, ::-1]
    assert (np.diff(passed[:, 1:-1], axis=1) < 1e-4).all()
    halved = FREQUENCIES[np.abs(factors - 0.5**0.5).argmin(axis=1)]
    assert 10 <= halved.min() < 11
    assert 19 < halved.max() <= 20
    octave_out = factors[:, np.argmin(np.abs(FREQUENCIES - (40 if kind == "low_pass" else 5)))]
    assert octave_out.max() == pytest.approx(1 / np.sqrt(1 + 2**6), rel=0.1)


def test_a_tilt_turns_the_spectrum_about_4_hz():
    factors = responses(tilt=0.3)
    at = {hertz: factors[:, np.argmin(np.abs(FREQUENCIES - hertz))] for hertz in (1, 4, 16)}
    np.testing.assert_allclose(at[4], 1, atol=1e-3)
    np.testing.assert_allclose(at[1] * at[16], 1, atol=1e-2)
    assert (np.log(at[16]) / np.log(4)).std() == pytest.approx(0.3, rel=0.15)


def test_a_dip_is_as_deep_as_asked_for_at_most_and_lies_between_3_and_15_hz():
    factors = responses(dip=0.7)
    assert factors.max() < 1.001
    assert 0.3 < factors.min() < 0.35
    deepest = FREQUENCIES[factors.argmin(axis=1)][factors.min(axis=1) < 0.9]
    assert 3 <= deepest.min() < 4
    assert 14 < deepest.max() <= 15.1


def test_noise_is_a_share_of_the_windows_own_scale_and_falls_with_frequency():
    windows = noise_of() * np.geomspace(0.01, 10, N, dtype=np.float32)[:, None, None]
    added = (recorded(windows, noise=0.5) - windows) / window_scale(windows)
    levels = added.std(axis=(1, 2))
    assert 0.4 < levels.max() < 0.55
    assert levels.mean() == pytest.approx(0.25, rel=0.15)
    power = (np.abs(np.fft.rfft(added)) ** 2).mean(axis=(0, 1))
    slope = np.polyfit(np.log(FREQUENCIES[5:500]), np.log(power[5:500]), 1)[0]
    # The loudest is the steepest, at each end: powers of 0.4 to 2.6.
    assert -2 < slope < -0.6
    assert np.abs(np.corrcoef(added[-1])[0, 1]) < 0.6


def test_what_is_missing_stays_missing_and_all_else_is_finite():
    windows = noise_of(20)
    windows[:, 1] = MISSING
    windows[:, 2, 200:400] = MISSING
    windows[7] = MISSING
    settings = {"gain": 0.5, "channel_gain": 0.2, "low_pass": (12, 60), "high_pass": (0.3, 1)}
    changed = recorded(windows, **settings, tilt=0.3, dip=0.7, noise=0.5)
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(changed == MISSING, windows == MISSING)
