"""What differs from patient to patient and stays the same from one recording to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hbac.eeg.simulation.scalp import LEFT_FOCI, RIGHT_FOCI


@dataclass(frozen=True)
class Patient:
    """Traits of a patient.

    Attributes:
        amplitude: root mean square of the 1/f background at an electrode, in microvolts.
        exponent: steepness of the 1/f spectrum.
        slowing: 0 (none) to 1 (severe diffuse encephalopathy).
        posterior_frequency: of the posterior rhythm, in Hz.
        focus: electrode over the lesion that lateralised patterns and seizures come from.
        heart_rate: beats a minute.
        blinks: a minute; 0 in a coma.
        heart_amplitude: of the R wave that reaches the scalp, in microvolts.
        mains_amplitude: of the median channel, in microvolts.
    """

    amplitude: float
    exponent: float
    slowing: float
    posterior_frequency: float
    focus: str
    heart_rate: float
    blinks: float
    heart_amplitude: float
    mains_amplitude: float


def draw_patient(seed: int) -> Patient:
    """Draw a critically ill patient; the same seed gives the same patient."""
    rng = np.random.default_rng(seed)
    slowing = rng.beta(2, 2)
    awake = rng.random() > slowing
    return Patient(
        amplitude=13 * rng.lognormal(0, 0.3),
        exponent=rng.uniform(1.1, 2.2),
        slowing=slowing,
        posterior_frequency=rng.uniform(8, 10) - 3 * slowing,
        focus=str(rng.choice(LEFT_FOCI if rng.random() < 0.5 else RIGHT_FOCI)),
        heart_rate=rng.uniform(55, 115),
        blinks=rng.uniform(2, 12) if awake else 0.0,
        heart_amplitude=3 * rng.lognormal(0, 0.6),
        mains_amplitude=0.7 * rng.lognormal(0, 0.9),
    )
