import numpy as np
import pytest
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.scalp import lateralised_field
from hbac.eeg.simulation.seizures import (
    place_seizures,
    seizure_frequency,
    simulate_seizure,
    spike_and_wave,
)
from hbac.eeg.simulation.timeline import Episode


def rng():
    return np.random.default_rng(5)


def frequencies_over_time(trace):
    frequencies, times, power = signal.spectrogram(trace, 200, nperseg=600, nfft=4000)
    return times, frequencies[power.argmax(axis=0)]


def test_a_seizures_frequency_goes_through_its_onset_peak_and_offset():
    frequency = seizure_frequency(np.array([0, 0.4, 1]), onset=2, peak=8, offset=1.5)
    np.testing.assert_allclose(frequency, [2, 8, 1.5])


@pytest.fixture
def seizure():
    local = lateralised_field("T3", width=0.5, contralateral=0)
    spread = lateralised_field("T3", width=0.9, contralateral=0.6)
    return simulate_seizure(
        rng(),
        100 * 200,
        onset=2,
        peak=7,
        offset=1.5,
        sharpness=2,
        local_field=local,
        spread_field=spread,
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
    def size(part, front, back):
        return (part[ELECTRODES.index(front)] - part[ELECTRODES.index(back)]).std()

    share = [
        size(part, "T4", "T6") / size(part, "T3", "T5")
        for part in (seizure[:, :2_000], seizure[:, -10_000:])
    ]
    assert share[0] < 0.15
    assert share[1] > 0.4


@pytest.mark.parametrize("sharpness", [0, 1, 4, 10])
def test_spikes_and_waves_are_of_unit_height_and_zero_mean(sharpness):
    phase = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    wave = spike_and_wave(phase, np.full(1000, sharpness))
    assert np.ptp(wave) == pytest.approx(1, abs=0.02)
    assert wave.mean() == pytest.approx(0, abs=1e-6)
    if sharpness == 0:
        np.testing.assert_allclose(wave, -np.cos(phase) / 2, atol=0.01)


@pytest.mark.parametrize(("frequency", "sharpness"), [(3, 0), (3, 8), (12, 1)])
def test_a_seizure_without_evolution_is_of_its_frequency_and_its_height(frequency, sharpness):
    seizure = simulate_seizure(
        rng(),
        60 * 200,
        onset=frequency,
        peak=frequency,
        offset=frequency,
        sharpness=sharpness,
        local_field=np.ones(19),
        spread_field=np.ones(19),
    )[0]
    _, found = frequencies_over_time(seizure)
    assert np.median(found) == pytest.approx(frequency, rel=0.1)
    tops = np.ptp(seizure[6_000:11_000].reshape(25, -1), axis=1)
    assert np.median(tops) == pytest.approx(1, rel=0.25)


def test_a_recording_shows_of_each_seizure_what_lies_in_it():
    episodes = [Episode("seizure", -1.0, 1.0), Episode("seizure", 2.0, 4.0)]
    eeg = place_seizures(lambda samples: np.tile(np.arange(samples), (19, 1)), episodes, 600)
    expected = np.r_[np.arange(200, 400), np.zeros(200), np.arange(200)]
    np.testing.assert_array_equal(eeg, np.tile(expected, (19, 1)))
