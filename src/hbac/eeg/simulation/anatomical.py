"""Patterns and backgrounds drawn as they are known: the first family of recordings.

Fields are those of dipoles in a head, discharges have the rates, shapes and sizes that are
published (``hbac.eeg.simulation.population``), and backgrounds follow from a patient's state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import discharges, population, scalp, seizures
from hbac.eeg.simulation.appearance import Ictal, Look, Periodic, Plus, Rhythmic
from hbac.eeg.simulation.background import coloured_noise, simulate_background, spectral_peak

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient
    from hbac.eeg.simulation.session import Session

_TRIPHASIC = 0.5

_PLUS = 0.2
"""How often periodic discharges come with fast activity (+F) or rhythmic delta (+R), and rhythmic
delta has spikes (+S) (ACNS 2021, section C)."""

_CLARITY = 2.0
"""Standard deviations from the height of the faintest, most ambiguous patterns to the clearest."""

_STANDS_OUT = 7.0
"""Height of the faintest pattern that all see, over the root mean square of the background, which
has some five times that from peak to peak: what doesn't stand out of it, nobody calls a pattern."""


def _height(
    rng: np.random.Generator, session: Session, patient: Patient, typical: population.Quantiles
) -> float:
    """Height of a pattern: larger in large backgrounds, and where experts agree."""
    clear = _CLARITY * (0.25 - session.ambiguity)
    height = typical.at(clear + rng.normal()) * (patient.amplitude / 10) ** 0.5
    return max(height, _STANDS_OUT * (1.2 - session.ambiguity) * patient.amplitude)


def _tilt(rng: np.random.Generator) -> np.ndarray:
    """How a patch's dipoles lean: upright on a gyrus, along the scalp in a sulcus."""
    return rng.normal(0, 0.4, 3)


def _lateralised(
    rng: np.random.Generator, session: Session, patient: Patient, *, width: float
) -> np.ndarray:
    """Field of a patch under the focus."""
    contralateral = rng.uniform(0, 0.1) + 0.4 * session.ambiguity
    return scalp.lateralised_field(
        patient.focus, width=width, contralateral=contralateral, tilt=_tilt(rng)
    )


def _lpd_field(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Field of a patch that involves few channels or many, and now and then both sides."""
    bilateral = rng.random() < population.LPD_BILATERAL
    contralateral = rng.uniform(0.5, 0.9) if bilateral else 0.3 * session.ambiguity
    look = {"contralateral": contralateral, "tilt": _tilt(rng)}
    channels = round(population.LPD_CHANNELS.draw(rng, limits=(1, 18)))
    width = scalp.width_involving(channels, patient.focus, **look)
    return scalp.lateralised_field(patient.focus, width=width, **look)


def _side(rng: np.random.Generator, sign: int) -> np.ndarray:
    """Field of a patch somewhere in the front of one hemisphere."""
    centre = np.array([sign * rng.uniform(0.3, 0.9), rng.uniform(0, 0.9), rng.uniform(0.2, 0.9)])
    return scalp.patch_field(centre / np.linalg.norm(centre), width=rng.uniform(0.4, 0.8))


def _generalised(rng: np.random.Generator, session: Session) -> np.ndarray:
    """What both sides share and what each adds by itself, shape (3, 19)."""
    shared = scalp.generalised_field(
        inclination=rng.uniform(75, 115),
        posterior=rng.uniform(0.1, 0.3),
        asymmetry=rng.uniform(0, 0.4 + 0.5 * session.ambiguity) * rng.choice([-1, 1]),
        width=rng.uniform(0.8, 1.4),
    )
    shares = rng.uniform(0.3, 1.0, (3, 1))
    fields = shares * np.stack([shared, _side(rng, -1), _side(rng, 1)])
    return fields / scalp.bipolar_amplitudes(fields.sum(axis=0)).max()


def _generalised_delays(rng: np.random.Generator, longest: float) -> np.ndarray:
    """Lag from front to back, and from one side to the other."""
    sideways = rng.uniform(-0.015, 0.015) * np.sign(scalp.POSITIONS[:, 0])
    delays = scalp.front_to_back_delays(rng.uniform(0.0, longest)) + sideways
    return delays - delays.min()


def _draw_plus(rng: np.random.Generator) -> Plus | None:
    chance = rng.random()
    if chance < _PLUS:
        return Plus("fast", rng.uniform(10, 22))
    if chance < 2 * _PLUS:
        jitter = population.RDA_VARIATION.draw(rng, limits=(0, 0.3))
        return Plus("rhythmic", rng.uniform(1, 3), rng.uniform(0.2, 0.4), jitter)
    return None


def _draw_lpd(rng: np.random.Generator, session: Session, patient: Patient) -> Periodic:
    height = _height(rng, session, patient, population.LPD_AMPLITUDE)
    return Periodic(
        rate=population.LPD_RATE.draw(rng, limits=(0.3, 2.5)),
        jitter=population.LPD_VARIATION.draw(rng),
        phases=discharges.draw_morphology(rng),
        fields=np.atleast_2d(height * _lpd_field(rng, session, patient)),
        delays=0.0,
        plus=_draw_plus(rng),
    )


def _draw_gpd(rng: np.random.Generator, session: Session, patient: Patient) -> Periodic:
    height = _height(rng, session, patient, population.GPD_AMPLITUDE)
    triphasic = rng.random() < _TRIPHASIC
    return Periodic(
        rate=population.GPD_RATE.draw(rng, limits=(0.3, 2.5)),
        jitter=population.GPD_VARIATION.draw(rng),
        phases=discharges.TRIPHASIC if triphasic else discharges.draw_morphology(rng),
        fields=height * _generalised(rng, session),
        delays=_generalised_delays(rng, 0.12),
        plus=_draw_plus(rng),
    )


def _draw_rhythmic(
    rng: np.random.Generator, fields: np.ndarray, delays: np.ndarray | float
) -> Rhythmic:
    return Rhythmic(
        rate=population.RDA_RATE.draw(rng, limits=(0.5, 4)),
        jitter=population.RDA_VARIATION.draw(rng, limits=(0, 0.3)),
        sharpness=rng.uniform(-0.2, 0.3),
        spikes=rng.uniform(0.2, 0.5) if rng.random() < _PLUS else 0.0,
        fields=np.atleast_2d(fields),
        delays=delays,
    )


def _draw_lrda(rng: np.random.Generator, session: Session, patient: Patient) -> Rhythmic:
    field = _lateralised(rng, session, patient, width=rng.uniform(0.3, 0.9))
    height = _height(rng, session, patient, population.LRDA_AMPLITUDE)
    return _draw_rhythmic(rng, height * field, 0.0)


def _draw_grda(rng: np.random.Generator, session: Session, patient: Patient) -> Rhythmic:
    height = _height(rng, session, patient, population.GRDA_AMPLITUDE)
    fields = height * _generalised(rng, session)
    return _draw_rhythmic(rng, fields, _generalised_delays(rng, 0.08))


def _seizure_fields(
    rng: np.random.Generator, session: Session, patient: Patient
) -> tuple[np.ndarray, np.ndarray]:
    """Where a seizure starts, and where it spreads to."""
    if rng.random() < population.GENERALISED_SEIZURES:
        field = _generalised(rng, session).sum(axis=0)
        return field, field
    local = _lateralised(rng, session, patient, width=rng.uniform(0.3, 0.6))
    spread = scalp.lateralised_field(
        patient.focus, width=rng.uniform(0.5, 1.0), contralateral=rng.uniform(0, 0.6)
    )
    return local, spread


def _draw_seizure(rng: np.random.Generator, session: Session, patient: Patient) -> Ictal:
    height = _height(rng, session, patient, population.SEIZURE_AMPLITUDE)
    local, spread = _seizure_fields(rng, session, patient)
    angles = np.arccos(np.clip(scalp.POSITIONS @ scalp.electrode_position(patient.focus), -1, 1))
    return Ictal(seizures.draw_course(rng), height * local, height * spread, 0.012 * angles)


ANATOMICAL_LOOKS: dict[str, Callable[[np.random.Generator, Session, Patient], Look]] = {
    "lpd": _draw_lpd,
    "gpd": _draw_gpd,
    "lrda": _draw_lrda,
    "grda": _draw_grda,
    "seizure": _draw_seizure,
}


def anatomical_background(rng: np.random.Generator, samples: int, patient: Patient) -> np.ndarray:
    """Simulate a patient's ongoing activity, in microvolts, shape ``(19, samples)``."""
    return simulate_background(
        rng,
        samples,
        exponent=patient.exponent,
        amplitude=patient.amplitude,
        slowing=patient.slowing,
        posterior=patient.posterior,
        posterior_frequency=patient.posterior_frequency,
        beta=patient.beta,
        bilateral=patient.bilateral,
    )


def sporadic_discharges(
    rng: np.random.Generator, session: Session, patient: Patient, onsets: np.ndarray
) -> np.ndarray:
    """Simulate single discharges of one shape and place.

    Args:
        rng: source of randomness.
        session: of which length and ambiguity.
        patient: whose focus and background it has.
        onsets: seconds at which they begin.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    samples = session.seconds * SAMPLING_RATE
    trace = discharges.discharge_train(rng, onsets, samples, phases=discharges.draw_morphology(rng))
    field = _lateralised(rng, session, patient, width=0.4)
    return scalp.project(trace, _height(rng, session, patient, population.LPD_AMPLITUDE) * field)


def slow_waves(rng: np.random.Generator, samples: int, *, rms: float) -> np.ndarray:
    """Simulate polymorphic delta as noise around 1.2 Hz, shape ``(samples,)``, float32."""
    density = spectral_peak(frequency=1.2, bandwidth=0.7, rms=rms)
    return coloured_noise(rng, density, shape=(1, samples))[0]
