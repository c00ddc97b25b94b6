import numpy as np
import pytest

from hbac.eeg.simulation.discharges import (
    BIPHASIC,
    DISCHARGE_SECONDS,
    TRIPHASIC,
    discharge_onsets,
    discharge_train,
    draw_morphology,
)

MINUTES = 5 * 60 * 200


def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("frequency", [0.7, 1.0, 2.0])
def test_discharges_return_at_their_frequency(frequency):
    onsets = discharge_onsets(rng(), MINUTES, frequency=frequency, jitter=0.1)
    intervals = np.diff(onsets)
    assert intervals.mean() == pytest.approx(1 / frequency, rel=0.05)
    assert 0.08 < intervals.std() / intervals.mean() < 0.15


def test_most_intervals_change_by_less_than_a_half_as_the_standard_asks():
    intervals = np.diff(discharge_onsets(rng(), MINUTES, frequency=1.5, jitter=0.2))
    assert (np.abs(np.diff(intervals)) / intervals[:-1] < 0.5).mean() > 0.9


@pytest.mark.parametrize("phases", [BIPHASIC, TRIPHASIC])
def test_a_discharge_is_over_within_half_a_second_and_starts_when_it_is_due(phases):
    train = discharge_train(rng(), np.array([1.0]), 600, phases=phases)
    assert np.flatnonzero(np.abs(train) > 0.02).min() >= 200
    assert np.abs(train[200 + round(DISCHARGE_SECONDS * 200) :]).max() < 1e-6
    crossings = np.diff(np.sign(train[np.abs(train) > 0.02]))
    assert np.count_nonzero(crossings) == len(phases) - 1


@pytest.mark.parametrize("variation", [0.1, 0.25, 0.5])
def test_intervals_vary_as_asked(variation):
    intervals = np.diff(discharge_onsets(rng(), 4 * MINUTES, frequency=1.0, jitter=variation))
    assert intervals.std() / intervals.mean() == pytest.approx(variation, rel=0.15)


def test_shapes_have_one_to_five_phases_of_60_to_400_ms_and_either_polarity():
    shapes = [draw_morphology(np.random.default_rng(seed)) for seed in range(300)]
    traces = [sum(phase.waveform() for phase in phases) for phases in shapes]
    seconds = [np.count_nonzero(np.abs(trace) > 0.07) / 200 for trace in traces]
    assert {len(phases) for phases in shapes} == {1, 2, 3, 4, 5, 6}
    assert min(seconds) < 0.08
    assert 0.1 < np.median(seconds) < 0.3
    assert max(seconds) < 0.45
    negative = np.mean([trace[np.abs(trace).argmax()] < 0 for trace in traces])
    assert 0.75 < negative < 0.95
    np.testing.assert_allclose([np.ptp(trace) for trace in traces], 1, atol=1e-5)
