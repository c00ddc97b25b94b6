from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from hbac.eeg import chain_differences
from hbac.eeg.simulation import Episode, Session, simulate_pattern, simulate_session
from hbac.eeg.simulation.patient import draw_patient
from hbac.eeg.simulation.scalp import LEFT_FOCI, bipolar_amplitudes

SECONDS = 14


def session_of(pattern, seed, *, ambiguity=0.25, start=-5.0):
    return Session(
        seed=seed,
        patient_seed=seed,
        seconds=SECONDS,
        pattern=pattern,
        ambiguity=ambiguity,
        episodes=(Episode(pattern, start, SECONDS + 5.0),),
        mains_frequency=60.0,
    )


def alone(pattern, seed):
    return chain_differences(simulate_pattern(session_of(pattern, seed))).reshape(16, -1)


def discharge_times(eeg):
    trace = np.convolve(np.sqrt((eeg**2).mean(axis=0)), np.hanning(41) / 20, mode="same")
    return signal.find_peaks(trace, distance=50, prominence=0.3 * np.quantile(trace, 0.98))[0]


def crest_times(eeg):
    largest = eeg[eeg.std(axis=1).argmax()]
    smooth = signal.sosfiltfilt(signal.butter(4, 6, fs=200, output="sos"), largest)
    return signal.find_peaks(smooth, distance=30, prominence=0.4 * smooth.std())[0]


@pytest.mark.parametrize(
    ("pattern", "find", "rates", "variations"),
    [
        ("lpd", discharge_times, (0.5, 1.0, 1.75), (0.11, 0.21, 0.39)),
        ("gpd", discharge_times, (0.75, 1.25, 2.0), (0.12, 0.25, 0.56)),
        ("lrda", crest_times, (0.75, 1.33, 2.0), (0.03, 0.10, 0.18)),
        ("grda", crest_times, (0.75, 1.33, 2.0), (0.03, 0.10, 0.18)),
    ],
)
def test_patterns_have_the_rates_and_intervals_that_experts_marked(
    pattern, find, rates, variations
):
    intervals = [np.diff(find(alone(pattern, seed))) / 200 for seed in range(150)]
    intervals = [each for each in intervals if len(each) > 2]
    found = np.quantile([1 / each.mean() for each in intervals], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found, rates, rtol=0.25)
    found = np.quantile([each.std() / each.mean() for each in intervals], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found, variations, rtol=0.35, atol=0.02)


def test_lpds_involve_as_many_channels_as_experts_marked_and_few_are_bilateral():
    counts, other_side = [], []
    for seed in range(150):
        eeg = simulate_pattern(session_of("lpd", seed, ambiguity=0.0)).data
        field = eeg[:, np.abs(eeg).max(axis=0).argmax()]
        sizes = bipolar_amplitudes(field)
        counts.append((sizes >= sizes.max() / 3).sum())
        left, right = (np.max(sizes[[*k, *(8 + np.array(k))]]) for k in (range(4), range(4, 8)))
        other_side.append(min(left, right) / max(left, right))
    np.testing.assert_allclose(np.quantile(counts, [0.1, 0.5, 0.9]), (2, 5, 12), atol=1.5)
    # Who involves more channels than one side has is on both sides anyway.
    within_a_side = np.array(other_side)[np.array(counts) <= 8]
    assert 0.01 < np.mean(within_a_side > 0.6) < 0.12


@pytest.mark.parametrize("pattern", ["gpd", "grda"])
def test_left_and_right_of_generalised_patterns_differ(pattern):
    differences = []
    for seed in range(30):
        chains = alone(pattern, seed).reshape(4, 4, -1)
        left, right = chains[[0, 2]], chains[[1, 3]]
        differences.append((left - right).std() / (left + right).std())
    assert 0.15 < np.median(differences) < 0.5


def test_seizures_are_far_larger_than_the_background_and_steep():
    ratios, slopes = [], []
    for seed in range(24):
        episodes = (Episode("seizure", 0.0, 60.0),)
        seizing = replace(session_of("seizure", seed), seconds=60, episodes=episodes)
        with_it, without = (
            chain_differences(simulate_session(session).crop(30, 10)).reshape(16, -1)
            for session in (seizing, replace(seizing, episodes=()))
        )
        ratios.append(with_it.std(axis=1).max() / np.median(without.std(axis=1)))
        frequencies, power = signal.welch(with_it, 200, nperseg=400)
        inside = (frequencies >= 2) & (frequencies < 30)
        power = np.log(power[:, inside].mean(axis=0))
        slopes.append(np.polyfit(np.log(frequencies[inside]), power, 1)[0])
    assert np.median(ratios) > 4
    assert np.median(slopes) < -2


def test_lpds_are_larger_on_the_side_of_the_focus_but_for_few():
    larger = []
    for seed in range(100):
        eeg = simulate_pattern(session_of("lpd", seed, ambiguity=0.0))
        left, right = (chain_differences(eeg)[[k, k + 2]].var() for k in (0, 1))
        on_the_left = draw_patient(seed, "lpd").focus in LEFT_FOCI
        larger.append(left > 1.5 * right if on_the_left else right > 1.5 * left)
    assert 0.88 < np.mean(larger) < 1


def test_a_seizure_that_had_begun_before_is_the_middle_of_the_whole():
    whole = replace(session_of("seizure", 3), seconds=80, episodes=(Episode("seizure", 0.0, 80.0),))
    part = replace(whole, seconds=30, episodes=(Episode("seizure", -40.0, 40.0),))
    middle = simulate_pattern(whole).crop(40, 30)
    np.testing.assert_array_equal(simulate_pattern(part).data, middle.data)
    assert np.abs(middle.data).max() > 10


def test_a_seizure_outside_of_the_recording_is_not_seen():
    before = replace(session_of("seizure", 3), episodes=(Episode("seizure", -80.0, -20.0),))
    after = replace(before, episodes=(Episode("seizure", 20.0, 80.0),))
    assert not simulate_pattern(before).data.any()
    assert not simulate_pattern(after).data.any()
