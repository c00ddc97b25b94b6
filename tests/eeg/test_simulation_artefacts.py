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


def at(eeg, name):
    return eeg[ELECTRODES.index(name)]


def test_tone_lasts_and_is_of_the_muscles_alone():
    tone = artefacts.simulate_tone(rng(), 12_000, amplitude=10)
    silent = [k for k, name in enumerate(ELECTRODES) if name not in artefacts.MUSCLE_SITES]
    assert not tone[silent].any()
    frequencies, power = signal.welch(tone.sum(axis=0), 200, nperseg=400)
    assert power[frequencies > 20].sum() > 5 * power[frequencies < 10].sum()
    seconds = tone.sum(axis=0).reshape(60, -1).std(axis=1)
    assert seconds.min() > 0.3 * seconds.max() > 0


def test_chewing_is_bursts_over_both_temples():
    chewing = artefacts.simulate_chewing(rng(), 24_000, per_minute=5)
    power = chewing.var(axis=1)
    assert min(at(power, "T3"), at(power, "T4")) > 5 * max(at(power, "O1"), at(power, "Cz"))
    bursts = np.abs(at(chewing, "T3")) > 1
    assert 0.05 < bursts.mean() < 0.8


def test_a_gaze_to_the_side_has_opposite_signs_at_both_temples():
    gaze = artefacts.simulate_gaze(rng(), 12_000, per_minute=10)
    np.testing.assert_allclose(at(gaze, "F7"), -at(gaze, "F8"), atol=1e-4)
    assert np.abs(at(gaze, "F7")).max() > 10 * np.abs(at(gaze, "O1")).max()
    assert np.abs(at(gaze, "F7")).max() < 200


def test_movement_is_slow_and_each_electrodes_own():
    moved = artefacts.simulate_movement(rng(), 60_000, per_minute=4)
    frequencies, power = signal.welch(moved, 200, nperseg=800)
    assert power[:, frequencies < 3].sum() > 3 * power[:, frequencies >= 3].sum()
    correlations = np.corrcoef(moved)[np.triu_indices(19, 1)]
    assert abs(correlations).mean() < 0.3
    assert (moved == 0).all(axis=0).any()


def test_bad_electrodes_hum_and_drift_and_the_others_do_not():
    bad = artefacts.simulate_bad_electrodes(rng(), 12_000, frequency=60, count=3)
    loud = np.flatnonzero(bad.any(axis=1))
    assert len(loud) == 3
    frequencies, power = signal.welch(bad[loud], 200, nperseg=400)
    assert (power[:, frequencies == 60] > 10 * np.median(power, axis=1)[:, None]).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_machine_keeps_its_time_in_a_few_electrodes(seed):
    shaken = artefacts.simulate_machine(np.random.default_rng(seed), 24_000)
    loud = shaken[shaken.any(axis=1)]
    assert 1 <= len(loud) <= 5
    _, power = signal.periodogram(loud[0])
    line = np.sort(power)[-6:].sum() / power.sum()
    assert line > 0.8
    assert np.abs(shaken).max() < 100
