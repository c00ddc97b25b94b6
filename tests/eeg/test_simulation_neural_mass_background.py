import dataclasses

import numpy as np
import pytest
from scipy import signal

from hbac.eeg.recording import ELECTRODES
from hbac.eeg.simulation import scalp
from hbac.eeg.simulation.neural_mass_background import (
    neural_mass_background,
    slow_waves_of_a_column,
)
from hbac.eeg.simulation.patient import draw_patient


def background(seed=0, **traits):
    traits = {"posterior": 0.0, "amplitude": 9.0} | traits
    patient = dataclasses.replace(draw_patient(0, "other"), **traits)
    return neural_mass_background(np.random.default_rng(seed), 8000, patient)


def power(trace, low, high):
    frequencies, density = signal.welch(trace, 200, nperseg=400)
    return density[..., (frequencies >= low) & (frequencies < high)].mean()


def test_a_background_has_the_size_of_the_patients():
    eeg = background()
    assert eeg.dtype == np.float32
    assert eeg.shape == (19, 8000)
    assert scalp.bipolar_amplitude_of(eeg) == pytest.approx(9, rel=1e-3)


def test_steep_patients_have_steeper_spectra():
    ratios = [
        np.median(
            [
                power(e, 1, 4) / power(e, 12, 25)
                for e in (background(s, exponent=x) for s in range(8))
            ]
        )
        for x in (0.5, 2.5)
    ]
    assert ratios[1] > 3 * ratios[0]
    assert ratios[0] > 1


def test_the_posterior_rhythm_is_at_the_back():
    eeg = background(posterior=15.0, posterior_frequency=9.0, amplitude=5.0)
    back, front = (eeg[ELECTRODES.index(name)] for name in ("O1", "Fp1"))
    assert power(back, 8, 10) > 5 * power(front, 8, 10)
    assert power(back, 8, 10) > 5 * power(back, 13, 20)


def test_slow_waves_are_slow():
    waves = slow_waves_of_a_column(np.random.default_rng(0), 8000, rms=0.5)
    assert power(waves, 0.5, 3) > 10 * power(waves, 5, 10)
    assert waves.std() == pytest.approx(0.5, rel=0.5)
