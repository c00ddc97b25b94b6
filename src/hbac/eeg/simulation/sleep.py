"""Sleep in the EEG: spindles, vertex waves and K complexes.

Appearances follow Berry et al., "The AASM Manual for the Scoring of Sleep and Associated Events",
2.6, 2020: spindles of 11 to 16 Hz for 0.5 s and more, K complexes of 0.5 s and more.
"""

from __future__ import annotations

import numpy as np
import scipy

from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE
from hbac.eeg.simulation.artefacts import event_times
from hbac.eeg.simulation.discharges import Phase
from hbac.eeg.simulation.scalp import electrode_position, patch_field, project

_VERTEX = (Phase(0.10, 0.03, 0.035, -1.0), Phase(0.22, 0.05, 0.06, 0.4))
_K_COMPLEX = (Phase(0.12, 0.04, 0.05, -1.0), Phase(0.33, 0.09, 0.07, 0.6))


def _wave(rng: np.random.Generator) -> np.ndarray:
    """A vertex wave, or every third time a K complex."""
    phases = _K_COMPLEX if rng.random() < 1 / 3 else _VERTEX
    return rng.uniform(40, 150) * sum(phase.waveform() for phase in phases)


def _spindle(rng: np.random.Generator) -> np.ndarray:
    seconds = rng.uniform(0.5, 1.5)
    times = np.arange(0, seconds, 1 / SAMPLING_RATE)
    size = rng.uniform(8, 25)
    taper = scipy.signal.windows.hann(len(times))
    return size * np.sin(2 * np.pi * rng.uniform(11, 15) * times) * taper


def simulate_sleep(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Spindles and vertex waves of light sleep, largest at the vertex and alike on both sides.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    sleep = np.zeros((len(ELECTRODES), samples), np.float32)
    for shape, width in ((_wave, 0.4), (_spindle, 0.6)):
        trace = np.zeros(samples, np.float32)
        for start in event_times(rng, samples / SAMPLING_RATE, per_minute=rng.uniform(2, 10)):
            place = trace[int(start * SAMPLING_RATE) :]
            wave = shape(rng)[: len(place)]
            place[: len(wave)] += wave
        sleep += project(trace, patch_field(electrode_position("Cz"), width=width))
    return sleep
