"""A column of cortex as a neural mass: populations of neurons that excite and inhibit each other.

Pyramidal cells, excitatory interneurons, and slow and fast inhibitory ones, each of which turns
the mean membrane potential into a firing rate and back: the model of Jansen and Rit,
"Electroencephalogram and visual evoked potential generation in a mathematical model of coupled
cortical columns", Biol. Cybern. 73, 1995, with the fast inhibition of Wendling et al., "Epileptic
fast activity can be explained by a model of impaired GABAergic dendritic inhibition", Eur. J.
Neurosci. 15:1499-1508, 2002. What the pyramidal cells' potential does is what an electrode would
see.

How fast it all goes is one factor of every rate constant, as the product of an amplitude and a time
constant is kept: kinetics from slow to fast give rhythms from delta to beta (David and Friston, "A
neural mass model for MEG/EEG: coupling and neuronal dynamics", NeuroImage 20, 2003).
"""

from __future__ import annotations

import numba
import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE

_CONSTANTS = (100.0, 50.0, 500.0)
"""Rates of excitatory, slow and fast inhibitory synapses, a second (Wendling et al., 2002)."""

_CONNECTIVITY = 135.0
_HALF_RATE, _STEEPNESS, _THRESHOLD = 2.5, 0.56, 6.0
"""Half of the highest firing rate in Hz, and the sigmoid's slope and middle (Jansen and Rit)."""

_STEP_SECONDS = 0.0025
"""Longest step of the solution in the time of a column of speed 1, exact for firing rates that stay
as they are during it: those of its middle, extrapolated from its start and the start before."""

_NOISE_SECONDS = 0.001
"""For which a value of the input noise holds where its deviation is as published."""

_SETTLING = 2 * SAMPLING_RATE
_HIGH_PASS = scipy.signal.butter(1, 0.4, "highpass", fs=SAMPLING_RATE, output="sos")

BACKGROUND = (5.0, 50.0, 15.0)
SPORADIC_SPIKES = (5.0, 40.0, 15.0)
SUSTAINED_SPIKES = (5.0, 25.0, 15.0)
SLOW_RHYTHM = (5.0, 10.0, 15.0)
LOW_VOLTAGE_FAST = (5.0, 5.0, 25.0)
QUASI_SINUSOIDAL = (5.0, 15.0, 0.0)
"""Gains of excitation, slow and fast inhibition, in millivolts, at an input of 90 pulses a second:
the kinds of activity between seizures and in them that Wendling et al. (2002) tell apart, in the
values with which others have rebuilt their model."""

REST = 90.0
"""Mean input, pulses a second (Wendling et al., 2002)."""

VISUAL = (3.25, 22.0, 0.0)
"""Gains of Jansen and Rit: excitable up to an input of some 110 pulses a second, slow spikes from
there to 137, and the alpha rhythm above (Grimbert and Faugeras, Neural Comput. 18, 2006)."""


@numba.njit(cache=True, fastmath=True)
def _rate(potential):
    """Firing rate in Hz of a population at a mean membrane potential in millivolts."""
    return 2 * _HALF_RATE / (1 + np.exp(_STEEPNESS * (_THRESHOLD - potential)))


@numba.njit(cache=True, fastmath=True)
def _synapse(potential, slope, target, constant, seconds, decay):
    """Potential and slope of a synapse after a step in which its input stays as it is."""
    away = potential - target
    grown = constant * seconds
    return (
        target + decay * ((1 + grown) * away + seconds * slope),
        decay * ((1 - grown) * slope - constant * grown * away),
    )


@numba.njit(cache=True, fastmath=True, nogil=True)
def _advance(state, gains, drive, seconds, decays):
    """Move the synapses of one column on by a step.

    ``state`` are four potentials, slopes, and the firing rates of the step before.
    """
    (pyramidal, excitatory, slow, fast), c = state[0], _CONNECTIVITY
    rates = (
        _rate(excitatory - 0.25 * c * slow - fast),
        drive + 0.8 * c * _rate(c * pyramidal),
        _rate(0.25 * c * pyramidal),
        0.8 * c * _rate(0.3 * c * pyramidal - 0.1 * c * slow),
    )
    kinds = (0, 0, 1, 2)
    for synapse in range(4):
        kind = kinds[synapse]
        halfway = 1.5 * rates[synapse] - 0.5 * state[2, synapse]
        state[2, synapse] = rates[synapse]
        state[0, synapse], state[1, synapse] = _synapse(
            state[0, synapse],
            state[1, synapse],
            gains[kind] / _CONSTANTS[kind] * halfway,
            _CONSTANTS[kind],
            seconds,
            decays[kind],
        )


@numba.njit(cache=True, fastmath=True, nogil=True)
def _solve(gains, drive, speed):
    """Potentials of pyramidal cells; shapes as of ``simulate_columns``."""
    traces = np.empty(drive.shape, np.float32)
    for column in range(drive.shape[0]):
        state, decays = np.zeros((3, 4)), np.empty(3)
        for sample in range(drive.shape[1]):
            seconds = speed[column, sample] / SAMPLING_RATE
            steps = int(np.ceil(seconds / _STEP_SECONDS))
            seconds /= steps
            for kind in range(3):
                decays[kind] = np.exp(-_CONSTANTS[kind] * seconds)
            for _ in range(steps):
                _advance(state, gains[column, sample], drive[column, sample], seconds, decays)
            potentials = state[0]
            inhibition = 0.25 * _CONNECTIVITY * potentials[2] + potentials[3]
            traces[column, sample] = potentials[1] - inhibition
    return traces


def _noise(rng: np.random.Generator, speed: np.ndarray, deviation: float) -> np.ndarray:
    """White noise of the input that does the same to columns of any speed."""
    held = np.sqrt(_NOISE_SECONDS * SAMPLING_RATE / speed)
    return deviation * held * rng.standard_normal(speed.shape, dtype=np.float32)


def simulate_columns(
    rng: np.random.Generator,
    gains: np.ndarray,
    drive: np.ndarray,
    *,
    speed: np.ndarray | float = 1.0,
    noise: float = 0.0,
) -> np.ndarray:
    """Potentials of the pyramidal cells of columns, without what is slower than 0.4 Hz.

    Args:
        rng: source of the input's noise.
        gains: of excitation, slow and fast inhibition over time, in millivolts, of a shape that
            broadcasts to ``(columns, samples, 3)``.
        drive: pulses a second that reach it, shape ``(columns, samples)``.
        speed: factor of all rate constants, such as 0.15 for delta and 2 for beta, shape as of
            ``drive`` or one that broadcasts to it.
        noise: standard deviation of the input at 1 ms, in pulses a second (published: 30).

    Returns:
        Millivolts at 200 Hz, shape ``(columns, samples)``, float32. Their first 2 s are not those
        of columns at rest that had no input before.
    """
    columns, samples = drive.shape
    before = [(0, 0), (_SETTLING, 0)]
    speeds = np.pad(np.broadcast_to(speed, drive.shape), before, mode="edge").astype(np.float32)
    drives = np.pad(drive, before, mode="edge") + _noise(rng, speeds, noise)
    over_time = np.broadcast_to(gains, (columns, samples, 3))
    gained = np.pad(over_time, [*before, (0, 0)], mode="edge").astype(np.float32)
    traces = _solve(gained, drives.astype(np.float32), speeds)
    return scipy.signal.sosfilt(_HIGH_PASS, traces)[:, _SETTLING:].astype(np.float32)


def frequency_of(trace: np.ndarray) -> float:
    """Cycles a second of a rhythm, by its crossings of the middle.

    Args:
        trace: shape ``(samples,)``, at 200 Hz.

    Returns:
        Hz; 0 where it hardly crosses.
    """
    low, high = np.quantile(trace, [0.02, 0.98])
    # What lies between 0.4 and 0.6 of the way up is on no side, so that noise crosses nothing.
    height = (trace - low) / max(high - low, 1e-9)
    beyond = np.flatnonzero(np.abs(height - 0.5) > 0.1)
    ups = beyond[1:][np.diff((height[beyond] > 0.5).astype(int)) > 0]
    return float(SAMPLING_RATE / np.diff(ups).mean()) if len(ups) > 2 else 0.0
