import numpy as np
import pytest

from hbac.eeg.simulation.patient import CONDITIONS, draw_patient


@pytest.mark.parametrize("condition", CONDITIONS, ids="-".join)
def test_a_patient_is_the_same_in_every_session(condition):
    one, other = (draw_patient(7, pattern) for pattern in condition)
    assert one == other != draw_patient(8, condition[0])


@pytest.mark.parametrize("condition", CONDITIONS, ids="-".join)
def test_a_posterior_rhythm_is_rare_and_of_those_who_are_awake(condition):
    patients = [draw_patient(seed, condition[0]) for seed in range(300)]
    awake = [patient for patient in patients if patient.state == "awake"]
    assert len(awake) < 0.4 * len(patients)
    assert all(patient.posterior > 0 for patient in awake)
    assert all(p.posterior == p.blinks == 0 for p in patients if p.state != "awake")


def test_encephalopathy_goes_with_gpds_and_slows():
    gpds, none = ([draw_patient(seed, name) for seed in range(300)] for name in ("gpd", "other"))

    def encephalopathic(patients):
        return np.mean([patient.state == "encephalopathic" for patient in patients])

    assert encephalopathic(gpds) > 0.85 > encephalopathic(none) + 0.2
    assert np.mean([p.slowing for p in gpds]) > np.mean([p.slowing for p in none]) + 0.1
