import numpy as np
import pytest
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.patterns import (
    BIPHASIC,
    DISCHARGE_SECONDS,
    POLYPHASIC,
    TRIPHASIC,
    discharge_onsets,
    discharge_train,
    seizure_frequency,
    simulate_periodic_discharges,
    simulate_rhythmic_delta,
    simulate_seizure,
)
from hbac.eeg.simulation.scalp import generalised_field, lateralised_field

MINUTES = 5 * 60 * 200
LEFT = [ELECTRODES.index(name) for name in ("F7", "T3", "T5", "F3", "C3", "P3")]
RIGHT = [ELECTRODES.index(name) for name in ("F8", "T4", "T6", "F4", "C4", "P4")]


def rng():
    return np.random.default_rng(5)


def frequencies_over_time(trace):
    frequencies, times, power = signal.spectrogram(trace, 200, nperseg=600, nfft=4000)
    return times, frequencies[power.argmax(axis=0)]


@pytest.mark.parametrize("frequency", [0.7, 1.0, 2.0])
def test_discharges_return_at_their_frequency(frequency):
    onsets = discharge_onsets(rng(), MINUTES, frequency=frequency, jitter=0.1)
    intervals = np.diff(onsets)
    assert intervals.mean() == pytest.approx(1 / frequency, rel=0.05)
    assert 0.08 < intervals.std() / intervals.mean() < 0.15


def test_most_intervals_change_by_less_than_a_half_as_the_standard_asks():
    intervals = np.diff(discharge_onsets(rng(), MINUTES, frequency=1.5, jitter=0.2))
    assert (np.abs(np.diff(intervals)) / intervals[:-1] < 0.5).mean() > 0.9


@pytest.mark.parametrize("phases", [BIPHASIC, POLYPHASIC, TRIPHASIC])
def test_a_discharge_is_over_within_half_a_second_and_starts_when_it_is_due(phases):
    train = discharge_train(rng(), np.array([1.0]), 600, phases=phases)
    assert np.flatnonzero(np.abs(train) > 0.02).min() >= 200
    assert np.abs(train[200 + round(DISCHARGE_SECONDS * 200) :]).max() < 1e-6
    crossings = np.diff(np.sign(train[np.abs(train) > 0.02]))
    assert np.count_nonzero(crossings) == len(phases) - 1


def test_an_lpd_of_one_hertz_repeats_each_second():
    field = 100 * lateralised_field("T3", width=0.6, contralateral=0.1)
    eeg = simulate_periodic_discharges(
        rng(), np.ones(MINUTES), frequency=1.0, jitter=0.05, phases=BIPHASIC, field=field
    )
    envelope = np.abs(eeg[ELECTRODES.index("T3")])
    envelope = envelope - envelope.mean()
    correlation = signal.correlate(envelope, envelope)[len(envelope) - 1 :]
    lag = 100 + correlation[100:300].argmax()
    assert lag / 200 == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("focus", "own", "other"), [("T3", LEFT, RIGHT), ("F4", RIGHT, LEFT)])
def test_lateralised_patterns_are_larger_on_their_side(focus, own, other):
    field = 100 * lateralised_field(focus, width=0.6, contralateral=0.1)
    periodic = simulate_periodic_discharges(
        rng(), np.ones(12_000), frequency=1.0, jitter=0.1, phases=BIPHASIC, field=field
    )
    rhythmic = simulate_rhythmic_delta(
        rng(), np.ones(12_000), frequency=2.0, field=field, sharpness=0.2
    )
    for eeg in (periodic, rhythmic):
        power = eeg.var(axis=1)
        assert power[own].sum() > 8 * power[other].sum()


def test_gpds_are_alike_on_both_sides_and_largest_in_front():
    field = 100 * generalised_field(inclination=90, posterior=0.2, asymmetry=0)
    eeg = simulate_periodic_discharges(
        rng(), np.ones(12_000), frequency=1.0, jitter=0.1, phases=TRIPHASIC, field=field
    )
    power = eeg.var(axis=1)
    assert power[LEFT].sum() == pytest.approx(power[RIGHT].sum(), rel=1e-3)
    assert power[ELECTRODES.index("Fp1")] > 4 * power[ELECTRODES.index("O1")]


def test_the_envelope_is_the_amplitude_of_discharges():
    envelope = np.ones(12_000)
    envelope[6_000:] = 0.25
    settings = {"frequency": 1.0, "jitter": 0.1, "phases": BIPHASIC, "field": np.ones(19)}
    plain = simulate_periodic_discharges(rng(), np.ones(12_000), **settings)
    eeg = simulate_periodic_discharges(rng(), envelope, **settings)
    # A discharge of 0.5 s that starts before the step keeps its height.
    np.testing.assert_allclose(eeg[:, :6_000], plain[:, :6_000], atol=1e-4)
    np.testing.assert_allclose(eeg[:, 6_100:], plain[:, 6_100:] / 4, atol=1e-4)
    assert np.abs(plain[:, 6_100:]).max() > 0.5


def test_discharges_keep_to_the_envelope():
    envelope = np.zeros(12_000)
    envelope[4_000:8_000] = 1
    eeg = simulate_periodic_discharges(
        rng(), envelope, frequency=2.0, jitter=0.1, phases=BIPHASIC, field=np.ones(19)
    )
    assert np.abs(eeg[:, :4_000]).max() < 1e-6
    assert np.abs(eeg[:, 8_100:]).max() < 1e-6
    assert np.abs(eeg[:, 4_000:8_000]).max() > 0.5


@pytest.mark.parametrize("frequency", [1.0, 2.0, 3.0])
def test_rhythmic_delta_peaks_at_its_frequency_and_is_monomorphic(frequency):
    eeg = simulate_rhythmic_delta(
        rng(), np.ones(MINUTES), frequency=frequency, field=np.ones(19), sharpness=0.2
    )
    frequencies, power = signal.welch(eeg[0], 200, nperseg=2000)
    assert frequencies[power.argmax()] == pytest.approx(frequency, rel=0.15)
    near = (frequencies > 0.7 * frequency) & (frequencies < 1.3 * frequency)
    assert power[near].sum() > 0.8 * power.sum()


def test_a_seizures_frequency_goes_through_its_onset_peak_and_offset():
    frequency = seizure_frequency(np.array([0, 0.4, 1]), onset=2, peak=8, offset=1.5)
    np.testing.assert_allclose(frequency, [2, 8, 1.5])


@pytest.fixture
def seizure():
    local = lateralised_field("T3", width=0.5, contralateral=0)
    spread = lateralised_field("T3", width=0.9, contralateral=0.6)
    return simulate_seizure(
        rng(), 100 * 200, onset=2, peak=7, offset=1.5, local_field=local, spread_field=spread
    )


def test_a_seizure_evolves_in_frequency(seizure):
    times, found = frequencies_over_time(seizure[ELECTRODES.index("T3")])
    planned = seizure_frequency(times / 100, onset=2, peak=7, offset=1.5)
    inside = times < 95
    error = np.abs(np.log2(found[inside] / planned[inside]))
    assert np.median(error) < 0.15
    assert (error < 0.4).mean() > 0.8


def test_a_seizure_grows_and_then_stops(seizure):
    size = np.ptp(seizure[ELECTRODES.index("T3")].reshape(20, -1), axis=1)
    assert size[10:19].mean() > 2 * size[0]
    assert np.abs(seizure[:, -1]).max() < 0.05


def test_a_seizure_spreads_to_the_other_side(seizure):
    share = [
        part[ELECTRODES.index("T4")].std() / part[ELECTRODES.index("T3")].std()
        for part in (seizure[:, :3_000], seizure[:, -6_000:])
    ]
    assert share[0] < 0.05
    assert share[1] == pytest.approx(0.6, abs=0.1)
