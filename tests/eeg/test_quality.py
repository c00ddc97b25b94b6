import numpy as np
import pytest

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.quality import channel_quality, hum_decibels, mains_to_remove
from hbac.eeg.spectra import power_density

RATE = 200
SECONDS = 40
TIMES = np.arange(SECONDS * RATE) / RATE


def _sine(hertz, microvolts):
    return microvolts * np.sin(2 * np.pi * hertz * TIMES)


def _noise(size, shape):
    return np.random.default_rng(0).normal(0, size, shape)


def _recording(**signals):
    data = np.stack(list(signals.values())).astype(np.float32)
    return Recording(data, tuple(signals))


def _measure(signal, name="Cz"):
    return channel_quality(_recording(**{name: signal})).loc[name]


def test_amplitude_is_a_percentile_and_knows_no_offset():
    # 95 % of a sine's samples stay below sin(0.95 * 90 degrees) of its amplitude.
    expected = 80 * np.sin(0.95 * np.pi / 2)
    assert _measure(_sine(10, 80) + 3000)["amplitude_uv"] == pytest.approx(expected, rel=0.01)


def test_slow_drift_is_no_amplitude():
    assert _measure(_sine(0.05, 400))["amplitude_uv"] < 5


@pytest.mark.parametrize(("hertz", "microvolts"), [(50, 4), (60, 4), (60, 12)])
def test_hum_of_known_ratio(hertz, microvolts):
    density = 4 / 100
    measured = _measure(_sine(hertz, microvolts) + _noise(2, TIMES.size))
    # Nine bins of 0.25 Hz share the sine's power, half its squared amplitude.
    expected = 10 * np.log10(1 + microvolts**2 / 2 / (9 * 0.25) / density)
    assert measured[f"hum_{hertz}_db"] == pytest.approx(expected, abs=1)
    assert measured[f"hum_{110 - hertz}_db"] == pytest.approx(0, abs=1)


def test_a_notch_has_negative_hum():
    frequencies = np.arange(0, 100.25, 0.25)
    density = np.where(abs(frequencies - 60) <= 1, 0.01, 1)
    assert hum_decibels(frequencies, density, 60) == pytest.approx(-20)


def test_hum_above_half_the_sampling_rate_is_not_known():
    frequencies, density = power_density(_noise(1, (2, 1000)), sampling_rate=100)
    assert np.isnan(hum_decibels(frequencies, density, 60)).all()
    assert np.isnan(hum_decibels(frequencies, 0 * density, 20)).all()


def test_flat_seconds_are_counted():
    signal = _noise(20, TIMES.size)
    signal[: 10 * RATE] = 7
    assert _measure(signal)["flat_share"] == 0.25
    assert _measure(np.full(TIMES.size, 7.0))["flat_share"] == 1
    assert _measure(_sine(1, 0.6))["flat_share"] == 0


def test_extreme_seconds_are_counted_and_the_ekg_may_be_larger():
    signal = _noise(20, TIMES.size)
    signal[5 * RATE + 100] += 900
    signal[9 * RATE + 100 : 9 * RATE + 103] -= 900
    assert _measure(signal)["extreme_share"] == 2 / SECONDS
    assert _measure(signal, "EKG")["extreme_share"] == 0
    assert _measure(10 * signal, "EKG")["extreme_share"] == 2 / SECONDS


@pytest.mark.parametrize("offset", [0, 3000, 20 * TIMES])
def test_clipped_samples_are_counted_from_the_baseline(offset):
    signal = _noise(20, TIMES.size)
    signal[3 * RATE : 3 * RATE + 80] += 900
    assert _measure(signal + offset)["clipped_share"] == pytest.approx(80 / TIMES.size)
    signal[: 20 * RATE][::2] = np.nan
    assert _measure(signal + offset)["clipped_share"] == pytest.approx(40 / 6000)
    assert _measure(signal + offset, "EKG")["clipped_share"] == 0


def test_known_share_is_missing_and_seconds_with_a_gap_do_not_count():
    signal = _noise(20, TIMES.size)
    signal[: 20 * RATE] = 7
    signal[: 10 * RATE] = np.nan
    measured = _measure(signal)
    assert measured["missing_share"] == 0.25
    assert measured["flat_share"] == pytest.approx(1 / 3)
    assert measured.notna().all()


def test_channel_without_a_sample_is_missing_and_nothing_else():
    measured = _measure(np.full(TIMES.size, np.nan))
    assert measured["missing_share"] == 1
    assert measured.drop("missing_share").isna().all()


def test_recording_shorter_than_a_second_has_no_shares():
    measured = channel_quality(Recording(_noise(20, (1, 100)), ("Cz",))).loc["Cz"]
    assert measured["amplitude_uv"] > 0
    assert measured[["flat_share", "extreme_share", "hum_50_db", "hum_60_db"]].isna().all()


def _eeg(**hum):
    data = _noise(10, (len(CHANNELS), TIMES.size))
    for name, signal in hum.items():
        data[CHANNELS.index(name)] += signal
    return Recording(data.astype(np.float32), CHANNELS)


def test_hum_of_one_electrode_is_to_be_removed():
    assert mains_to_remove(_eeg(T3=_sine(60, 60))) == 60
    assert mains_to_remove(_eeg(T3=_sine(50, 60))) == 50


def test_hum_that_the_montage_cancels_or_that_is_weak_stays():
    everywhere = {name: _sine(60, 60) for name in CHANNELS}
    assert mains_to_remove(_eeg(**everywhere)) is None
    assert mains_to_remove(_eeg(T3=_sine(60, 3))) is None


def test_eeg_without_a_sample_has_no_hum():
    nothing = np.full((len(CHANNELS), 2000), np.nan, np.float32)
    assert mains_to_remove(Recording(nothing, CHANNELS)) is None
