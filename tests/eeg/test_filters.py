import numpy as np
import pytest

from hbac.eeg.filters import clean, without_baseline

SECONDS = np.arange(20 * 200) / 200


def sine(frequency, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * frequency * SECONDS)


def amplitude_at(frequency, signal):
    """Of a sine in the middle 10 s, which hold a whole number of its periods."""
    middle = slice(5 * 200, 15 * 200)
    return 2 * abs(np.mean(signal[middle] * np.exp(-2j * np.pi * frequency * SECONDS[middle])))


def test_nothing_to_do_returns_the_signals_themselves():
    signals = np.ones((2, 3, 100), np.float32)
    assert clean(signals, sampling_rate=200) is signals


def test_clipping_is_symmetric_and_leaves_its_input():
    signals = np.array([[-900, -500, 0, 20, 501]], np.float32)
    assert clean(signals, sampling_rate=200, clip=500).tolist() == [[-500, -500, 0, 20, 500]]
    assert signals[0, 0] == -900


@pytest.mark.parametrize("clip", [100, None])
@pytest.mark.parametrize("offset", [1000, 1e5, -300 * SECONDS, 2000 * (SECONDS > 11)])
def test_an_offset_a_drift_and_a_jump_take_no_eeg_away(offset, clip):
    eeg = sine(8, 30)
    cleaned = clean(eeg + offset, sampling_rate=200, clip=clip, band_pass=(1, 20))
    jumped = np.ptp(offset) == 2000
    # An electrode that jumps is lost for a moment, and only then.
    kept = slice(1000, 1500) if jumped else slice(200, -200)
    expected = clean(eeg, sampling_rate=200, band_pass=(1, 20))
    np.testing.assert_allclose(cleaned[kept], expected[kept], atol=30 if jumped else 1)


def test_the_baseline_is_offset_and_drift_and_no_eeg():
    waves = sine(1, 50) + sine(10, 30)
    left = without_baseline(waves + 5000 + 100 * SECONDS, sampling_rate=200)
    np.testing.assert_allclose(left, waves, atol=2)
    steep = without_baseline(1000 * SECONDS[:700], sampling_rate=200)
    np.testing.assert_allclose(steep, 1000 * (SECONDS[:700] - SECONDS[:700].mean()), atol=1e-2)


@pytest.mark.parametrize("mains", [50, 60])
def test_the_notch_removes_the_mains_alone(mains):
    cleaned = clean(sine(mains) + sine(10) + sine(mains - 6), sampling_rate=200, notch=mains)
    assert amplitude_at(mains, cleaned) < 1e-3
    assert amplitude_at(10, cleaned) == pytest.approx(1, abs=1e-3)
    assert amplitude_at(mains - 6, cleaned) == pytest.approx(1, abs=0.05)


def test_the_band_pass_is_butterworths_of_order_4_squared():
    cleaned = clean(sine(8), sampling_rate=200, band_pass=(1, 8))
    assert amplitude_at(8, cleaned) == pytest.approx(0.5, abs=0.01)
    cleaned = clean(sine(0.1, 100) + sine(3) + sine(30), sampling_rate=200, band_pass=(1, 8))
    assert amplitude_at(0.1, cleaned) < 1e-2
    assert amplitude_at(30, cleaned) < 1e-3
    assert amplitude_at(3, cleaned) == pytest.approx(1, abs=0.01)


def test_nothing_is_delayed():
    spike = np.exp(-(((SECONDS - 10) / 0.05) ** 2))
    cleaned = clean(spike, sampling_rate=200, notch=60, band_pass=(0.5, 40))
    assert cleaned.argmax() == spike.argmax()
    np.testing.assert_allclose(cleaned[1:], cleaned[1:][::-1], atol=1e-3)


def test_both_filters_together_are_one_after_the_other():
    noise = np.random.default_rng(0).normal(size=(2, 2, 4000)).astype(np.float32)
    together = clean(noise, sampling_rate=200, notch=50, band_pass=(0.5, 40))
    apart = clean(noise, sampling_rate=200, notch=50)
    apart = clean(apart, sampling_rate=200, band_pass=[0.5, 40])
    assert together.dtype == np.float32
    assert together.shape == noise.shape
    np.testing.assert_allclose(together[..., 500:-500], apart[..., 500:-500], atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip": 0}, "clip must be positive, in microvolts, received 0"),
        ({"notch": 100}, "notch must lie between 0 and 100 Hz, received 100"),
        ({"band_pass": (20, 0.5)}, r"received \(20, 0.5\)"),
        ({"band_pass": (0.5, 100)}, r"high < 100 Hz, received \(0.5, 100\)"),
        ({"band_pass": (0, 20)}, r"0 < low .* received \(0, 20\)"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        clean(np.zeros(4000), sampling_rate=200, **settings)
