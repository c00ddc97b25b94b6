import numpy as np
import pytest

from hbac.eeg import ELECTRODES, Recording, chain_differences
from hbac.eeg.simulation import Session
from hbac.eeg.simulation.anatomical import anatomical_background
from hbac.eeg.simulation.brain import simulate_brain
from hbac.eeg.simulation.patient import draw_patient

SECONDS = 30


def brain(seed, pattern="other"):
    session = Session(
        seed=seed,
        patient_seed=seed,
        seconds=SECONDS,
        pattern=pattern,
        ambiguity=0.2,
        episodes=(),
        mains_frequency=60.0,
    )
    patient = draw_patient(seed, pattern)
    eeg = simulate_brain(np.random.default_rng(seed), session, patient)
    return patient, chain_differences(Recording(eeg, ELECTRODES)).reshape(16, -1)


@pytest.fixture(scope="module")
def others():
    return [brain(seed) for seed in range(60)]


def test_recordings_without_a_pattern_are_of_many_kinds(others):
    states = {patient.state for patient, _ in others}
    assert states == {"awake", "asleep", "encephalopathic"}
    sizes = np.array([np.median(eeg.std(axis=1)) for _, eeg in others])
    # Low voltage is below 20 microvolts from peak to peak, normal up to 150.
    assert (sizes < 4).any()
    assert 5 < np.median(sizes) < 20
    assert sizes.max() < 50


def test_a_deep_encephalopathy_may_suppress_the_background_between_bursts(others):
    def bursts(eeg):
        seconds = np.median(eeg.reshape(16, SECONDS, -1).std(axis=2), axis=0)
        return np.quantile(seconds, 0.9) / np.quantile(seconds, 0.1)

    suppressed = {patient.state for patient, eeg in others if bursts(eeg) > 5}
    assert suppressed == {"encephalopathic"}
    assert np.median([bursts(eeg) for _, eeg in others]) < 3


def test_a_patients_background_is_that_of_their_traits():
    patient = draw_patient(3, "gpd")
    eeg = anatomical_background(np.random.default_rng(0), 12_000, patient)
    channels = chain_differences(Recording(eeg, ELECTRODES)).reshape(16, -1)
    assert channels.std() == pytest.approx(patient.amplitude, rel=0.35)
