import numpy as np
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.sleep import simulate_sleep


def test_sleep_has_spindles_and_vertex_waves_alike_on_both_sides():
    sleep = simulate_sleep(np.random.default_rng(1), 10 * 60 * 200)
    assert sleep.shape == (19, 120_000)
    c3, c4, cz = (sleep[ELECTRODES.index(name)] for name in ("C3", "C4", "Cz"))
    assert cz.std() > 1.5 * c3.std()
    assert np.corrcoef(c3, c4)[0, 1] > 0.95
    frequencies, power = signal.welch(cz, 200, nperseg=400)
    inside = (frequencies > 9) & (frequencies < 18)
    assert 11 <= frequencies[inside][power[inside].argmax()] <= 15
    assert (np.abs(cz) < 1).mean() > 0.5
