import numpy as np
import pytest
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation import artefacts

SAMPLES = 120 * 200


def rng():
    return np.random.default_rng(3)


def power_share(data, low, high):
    frequencies, power = signal.welch(data, 200, nperseg=800)
    inside = (frequencies >= low) & (frequencies < high)
    return power[..., inside].sum() / power.sum()


def test_events_come_as_often_as_asked():
    times = artefacts.event_times(rng(), 6000, per_minute=5)
    assert len(times) == pytest.approx(500, rel=0.1)
    assert (np.diff(times) >= 0).all()


def test_muscle_is_fast_and_nothing_without_bursts():
    assert power_share(artefacts.simulate_muscle(rng(), SAMPLES, per_minute=10), 18, 101) > 0.9
    assert not artefacts.simulate_muscle(rng(), SAMPLES, per_minute=0).any()


def test_blinks_are_positive_and_frontopolar():
    blinks = artefacts.simulate_blinks(rng(), SAMPLES, per_minute=10)
    peak = blinks.max(axis=1)
    assert 80 <= peak[ELECTRODES.index("Fp1")] < 500
    assert peak[ELECTRODES.index("Fp1")] > 3 * peak[ELECTRODES.index("F3")]
    assert peak[ELECTRODES.index("O1")] < 1
    assert blinks[0].max() > 3 * -blinks[0].min()


@pytest.mark.parametrize("frequency", [50, 60])
def test_mains_hums_at_its_frequency(frequency):
    hum = artefacts.simulate_mains(rng(), SAMPLES, frequency=frequency, amplitude=2, channels=20)
    assert hum.shape == (20, SAMPLES)
    assert power_share(hum, frequency - 1, frequency + 1) > 0.99


def test_pops_strike_few_electrodes_and_decay():
    pops = artefacts.simulate_pops(rng(), SAMPLES, per_minute=5)
    struck = np.flatnonzero(np.abs(pops).max(axis=1))
    assert 1 <= len(struck) <= 2
    assert np.abs(np.diff(pops[struck])).max() >= 40


def test_the_heart_beats_at_its_rate():
    beats = artefacts.simulate_heartbeats(rng(), SAMPLES, rate=90)
    peaks, _ = signal.find_peaks(beats, height=0.8)
    assert len(peaks) == pytest.approx(180, abs=5)
    assert np.diff(peaks).std() / np.diff(peaks).mean() < 0.06


def test_the_hearts_field_changes_sign_from_left_to_right():
    field = artefacts.heart_field(4.0)
    assert field[ELECTRODES.index("T3")] > 0 > field[ELECTRODES.index("T4")]


def test_gaps_are_nan_in_every_channel_of_a_copy():
    data = np.ones((20, 2000), np.float32)
    blanked = artefacts.blank_gaps(data, ((1.0, 2.5), (9.0, 10.0)))
    assert np.isnan(blanked[:, 200:500]).all()
    assert np.isnan(blanked).sum() == 20 * (300 + 200)
    assert not np.isnan(data).any()
