"""Ongoing activity of columns of cortex that nothing but noise drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.simulation import neural_mass, scalp
from hbac.eeg.simulation.background import wander

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient

_COLUMNS = 14
_SPEEDS = (0.08, 2.2)
"""Under 1 Hz to some 25 Hz."""

_NOISE = 30.0
_ALPHA = 10.0
"""Hz, of a column of speed 1."""

_QUIET = (
    (neural_mass.VISUAL, (60, 108)),
    (neural_mass.BACKGROUND, (80, 100)),
    (neural_mass.SLOW_RHYTHM, (80, 100)),
)
"""Gains and inputs of columns that do not oscillate by themselves."""


def _deviation(trace: np.ndarray) -> np.ndarray:
    return trace.std(axis=-1, keepdims=True) + 1e-6


def _field(rng: np.random.Generator, speed: float, bilateral: float) -> np.ndarray:
    """Field of a column and of its like on the other side; the slower, the wider."""
    place = rng.standard_normal(3) * (1, 1, 0.8) + (0, 0, 0.3)
    width = 0.25 + 0.35 * rng.random() - 0.12 * np.log(speed)
    field = scalp.patch_field(
        place / np.linalg.norm(place), width=max(width, 0.1), tilt=rng.normal(0, 0.6, 3)
    )
    return field + bilateral * rng.choice([-1, 1], p=(0.1, 0.9)) * field[scalp.MIRRORED]


def _columns(rng: np.random.Generator, samples: int, speeds: np.ndarray) -> np.ndarray:
    """Columns at rest, of unit variance, that wax and wane, shape ``(columns, samples)``."""
    kinds = [_QUIET[k] for k in rng.integers(0, len(_QUIET), len(speeds))]
    gains = np.array([gains for gains, _ in kinds])[:, None]
    drives = np.array([rng.uniform(*limits) for _, limits in kinds])[:, None]
    traces = neural_mass.simulate_columns(
        rng,
        gains,
        np.broadcast_to(drives, (len(speeds), samples)),
        speed=speeds[:, None],
        noise=_NOISE,
    )
    waxing = np.stack([wander(rng, samples, seconds=seconds) for seconds in (3, 20)])
    waxing = rng.normal(0, 0.3, (len(speeds), 2)) @ waxing
    return traces / _deviation(traces) * np.exp(waxing).astype(np.float32)


def slow_waves_of_a_column(rng: np.random.Generator, samples: int, *, rms: float) -> np.ndarray:
    """Polymorphic slow waves of 0.8 to 2.5 Hz of one column, shape ``(samples,)``."""
    frequency = rng.uniform(0.8, 2.5)
    return rms * _columns(rng, samples, np.array([frequency / _ALPHA]))[0]


def _posterior_rhythm(
    rng: np.random.Generator, samples: int, frequency: float, rms: float
) -> np.ndarray:
    """Alpha of a column of either occipital lobe, which noise swings; ``rms`` at O1 and O2."""
    gains, drives = np.array(neural_mass.VISUAL), rng.uniform(110, 200) * np.ones((2, samples))
    traces = neural_mass.simulate_columns(
        rng, gains, drives, speed=frequency / _ALPHA, noise=2 * _NOISE
    )
    waxing = np.exp(0.5 * wander(rng, samples, seconds=2)) * rms / _deviation(traces)
    sides = [scalp.scalp_field(np.array([side, -0.92, 0.25]), width=0.6) for side in (-0.3, 0.3)]
    return np.stack(sides, axis=1).astype(np.float32) @ (traces * waxing).astype(np.float32)


def neural_mass_background(rng: np.random.Generator, samples: int, patient: Patient) -> np.ndarray:
    """Ongoing activity of columns from slow to fast, at dipoles all over the cortex.

    How large the slow ones are follows from the steepness of the patient's spectrum.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        patient: of whom amplitude, steepness and posterior rhythm.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    speeds = np.exp(rng.uniform(*np.log(_SPEEDS), _COLUMNS))
    sizes = speeds ** ((1 - patient.exponent) / 2) * rng.lognormal(0, 0.4, _COLUMNS)
    fields = np.stack([_field(rng, speed, patient.bilateral) for speed in speeds])
    mixing = (sizes[:, None] * fields).T.astype(np.float32)
    ongoing = mixing @ _columns(rng, samples, speeds)
    ongoing *= patient.amplitude / scalp.bipolar_amplitude_of(ongoing)
    if patient.posterior == 0:
        return ongoing
    return ongoing + _posterior_rhythm(rng, samples, patient.posterior_frequency, patient.posterior)
