"""What differs from patient to patient and stays the same from one recording to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hbac.eeg.simulation.population import Quantiles
from hbac.eeg.simulation.scalp import LEFT_FOCI, RIGHT_FOCI

CONDITIONS = (("seizure", "lpd"), ("gpd", "grda"), ("lrda", "other"))
"""Patterns that patients of a condition show: of an acute focal lesion, of a diffuse
encephalopathy, and of neither."""

_STATES = ("awake", "asleep", "encephalopathic")
_CHANCES = ((0.1, 0.1, 0.8), (0.02, 0.06, 0.92), (0.3, 0.2, 0.5))
"""Chance of each state by condition, stylised: periodic patterns, GPDs above all, go with
encephalopathy (Foreman et al., "Generalized periodic discharges in the critically ill", Neurology
79, 2012)."""

_SLOWING = {"awake": (1.5, 6.0), "asleep": (3.0, 4.0), "encephalopathic": (4.0, 2.5)}
_AMPLITUDE = Quantiles(4.0, 8.0, 16.0)
"""Microvolts: some 20, 40 and 80 from peak to peak; below 20 is low voltage (Hirsch et al., ACNS
terminology, 2021)."""

_POSTERIOR = Quantiles(4.0, 9.0, 18.0)
_BETA = Quantiles(0.8, 1.6, 4.0)
_SEDATED = 0.35


@dataclass(frozen=True)
class Patient:
    """Traits of a patient.

    Attributes:
        state: ``awake``, ``asleep`` or ``encephalopathic``.
        amplitude: root mean square of the background in a longitudinal bipolar channel, in
            microvolts.
        exponent: steepness of the 1/f spectrum.
        slowing: 0 (none) to 1 (severe diffuse encephalopathy).
        posterior: root mean square of the posterior rhythm in microvolts; 0 unless awake.
        posterior_frequency: its frequency, in Hz.
        beta: root mean square of the beta that sedatives bring, in microvolts; 0 without them.
        bilateral: how much the slow waves of the hemispheres are alike, 0 to 1.
        focus: electrode over the lesion that lateralised patterns and seizures come from.
        heart_rate: beats a minute.
        blinks: a minute; 0 unless awake.
        heart_amplitude: of the R wave that reaches the scalp, in microvolts.
        mains_amplitude: of the median channel, in microvolts.
    """

    state: str
    amplitude: float
    exponent: float
    slowing: float
    posterior: float
    posterior_frequency: float
    beta: float
    bilateral: float
    focus: str
    heart_rate: float
    blinks: float
    heart_amplitude: float
    mains_amplitude: float


def draw_patient(seed: int, pattern: str) -> Patient:
    """Draw a critically ill patient.

    Args:
        seed: the same seed gives the same patient, whichever pattern of a condition they show.
        pattern: that the patient shows, one of ``hbac.eeg.votes.CLASSES``.
    """
    rng = np.random.default_rng(seed)
    condition = next(k for k, patterns in enumerate(CONDITIONS) if pattern in patterns)
    state = str(rng.choice(_STATES, p=_CHANCES[condition]))
    slowing = rng.beta(*_SLOWING[state])
    awake = state == "awake"
    return Patient(
        state=state,
        amplitude=_AMPLITUDE.draw(rng) * (1 + 0.5 * slowing),
        # Scalp EEG gets steeper from wakefulness to sleep and anaesthesia (Lendner et al., "An
        # electrophysiological marker of arousal level in humans", eLife 9, 2020).
        exponent=rng.normal(1.3 + 1.0 * slowing, 0.25),
        slowing=slowing,
        posterior=_POSTERIOR.draw(rng) if awake else 0.0,
        posterior_frequency=rng.uniform(8, 11) - 3 * slowing,
        beta=_BETA.draw(rng) if rng.random() < _SEDATED else 0.0,
        bilateral=rng.uniform(0, 0.7),
        focus=str(rng.choice(LEFT_FOCI if rng.random() < 0.5 else RIGHT_FOCI)),
        heart_rate=rng.uniform(55, 115),
        blinks=rng.uniform(4, 20) if awake else 0.0,
        heart_amplitude=3 * rng.lognormal(0, 0.6),
        mains_amplitude=0.7 * rng.lognormal(0, 0.9),
    )
