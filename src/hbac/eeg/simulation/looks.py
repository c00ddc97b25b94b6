"""How each pattern of a session looks: where, how fast, how large and of what shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import discharges, patterns, population, scalp, seizures
from hbac.eeg.simulation.background import coloured_noise, spectral_peak
from hbac.eeg.simulation.patient import Patient
from hbac.eeg.simulation.timeline import presence

if TYPE_CHECKING:
    from hbac.eeg.simulation.session import Session

_TRIPHASIC = 0.5

_PLUS = 0.2
"""How often periodic discharges come with fast activity (+F) or rhythmic delta (+R), and rhythmic
delta has spikes (+S) (ACNS 2021, section C)."""

_GENERALISED_SEIZURES = 0.25

_CLARITY = 2.0
"""Standard deviations from the height of the faintest, most ambiguous patterns to the clearest."""

_STANDS_OUT = 7.0
"""Height of the faintest pattern that all see, over the root mean square of the background, which
has some five times that from peak to peak: what doesn't stand out of it, nobody calls a pattern."""


def draw_height(
    rng: np.random.Generator, session: Session, patient: Patient, typical: population.Quantiles
) -> float:
    """Height of a pattern: larger in large backgrounds, and where experts agree."""
    clear = _CLARITY * (0.25 - session.ambiguity)
    height = typical.at(clear + rng.normal()) * (patient.amplitude / 10) ** 0.5
    return max(height, _STANDS_OUT * (1.2 - session.ambiguity) * patient.amplitude)


def _tilt(rng: np.random.Generator) -> np.ndarray:
    """How a patch's dipoles lean: upright on a gyrus, along the scalp in a sulcus."""
    return rng.normal(0, 0.4, 3)


def draw_lateralised(
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


def _plus(rng: np.random.Generator, envelope: np.ndarray, field: np.ndarray) -> np.ndarray | float:
    """What comes with periodic discharges: fast activity, rhythmic delta, or most often nothing."""
    chance = rng.random()
    if chance < _PLUS:
        density = spectral_peak(frequency=rng.uniform(10, 22), bandwidth=2.0, rms=0.08)
        fast = coloured_noise(rng, density, shape=(1, len(envelope)))[0]
        return scalp.project((fast * envelope).astype(np.float32), field)
    if chance < 2 * _PLUS:
        return patterns.simulate_rhythmic_delta(
            rng,
            envelope,
            frequency=rng.uniform(1, 3),
            field=rng.uniform(0.2, 0.4) * field,
            jitter=population.RDA_VARIATION.draw(rng, limits=(0, 0.3)),
            sharpness=0.0,
        )
    return 0.0


def _lpd(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    envelope = presence(session.episodes_of("lpd"), session.seconds * SAMPLING_RATE, ramp=0.5)
    height = draw_height(rng, session, patient, population.LPD_AMPLITUDE)
    field = height * _lpd_field(rng, session, patient)
    return _plus(rng, envelope, field) + patterns.simulate_periodic_discharges(
        rng,
        envelope,
        frequency=population.LPD_RATE.draw(rng, limits=(0.3, 2.5)),
        jitter=population.LPD_VARIATION.draw(rng),
        phases=discharges.draw_morphology(rng),
        field=field,
    )


def _gpd(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    envelope = presence(session.episodes_of("gpd"), session.seconds * SAMPLING_RATE, ramp=0.5)
    height = draw_height(rng, session, patient, population.GPD_AMPLITUDE)
    fields = height * _generalised(rng, session)
    triphasic = rng.random() < _TRIPHASIC
    return _plus(rng, envelope, fields.sum(axis=0)) + patterns.simulate_periodic_discharges(
        rng,
        envelope,
        frequency=population.GPD_RATE.draw(rng, limits=(0.3, 2.5)),
        jitter=population.GPD_VARIATION.draw(rng),
        phases=discharges.TRIPHASIC if triphasic else discharges.draw_morphology(rng),
        field=fields,
        delays=_generalised_delays(rng, 0.12),
    )


def _rhythmic(
    rng: np.random.Generator,
    session: Session,
    pattern: str,
    field: np.ndarray,
    *,
    delays: np.ndarray | float = 0.0,
) -> np.ndarray:
    samples = session.seconds * SAMPLING_RATE
    return patterns.simulate_rhythmic_delta(
        rng,
        presence(session.episodes_of(pattern), samples, ramp=2),
        frequency=population.RDA_RATE.draw(rng, limits=(0.5, 4)),
        field=field,
        jitter=population.RDA_VARIATION.draw(rng, limits=(0, 0.3)),
        sharpness=rng.uniform(-0.2, 0.3),
        spikes=rng.uniform(0.2, 0.5) if rng.random() < _PLUS else 0.0,
        delays=delays,
    )


def _lrda(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    field = draw_lateralised(rng, session, patient, width=rng.uniform(0.3, 0.9))
    height = draw_height(rng, session, patient, population.LRDA_AMPLITUDE)
    return _rhythmic(rng, session, "lrda", height * field)


def _grda(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    height = draw_height(rng, session, patient, population.GRDA_AMPLITUDE)
    delays = _generalised_delays(rng, 0.08)
    field = _generalised(rng, session)
    return _rhythmic(rng, session, "grda", height * field, delays=delays)


def _seizure_fields(
    rng: np.random.Generator, session: Session, patient: Patient
) -> tuple[np.ndarray, np.ndarray]:
    """Where a seizure starts, and where it spreads to."""
    if rng.random() < _GENERALISED_SEIZURES:
        field = _generalised(rng, session).sum(axis=0)
        return field, field
    local = draw_lateralised(rng, session, patient, width=rng.uniform(0.3, 0.6))
    spread = scalp.lateralised_field(
        patient.focus, width=rng.uniform(0.5, 1.0), contralateral=rng.uniform(0, 0.6)
    )
    return local, spread


def _seizures(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """All seizures of a session: alike in focus and frequency, as a patient's seizures are."""
    eeg = np.zeros((len(scalp.POSITIONS), session.seconds * SAMPLING_RATE), np.float32)
    height = draw_height(rng, session, patient, population.SEIZURE_AMPLITUDE)
    local, spread = _seizure_fields(rng, session, patient)
    course = seizures.draw_course(rng)
    angles = np.arccos(np.clip(scalp.POSITIONS @ scalp.electrode_position(patient.focus), -1, 1))
    for episode in session.episodes_of("seizure"):
        first, last = (round(t * SAMPLING_RATE) for t in (episode.start, episode.stop))
        seizure = seizures.simulate_seizure(
            rng,
            last - first,
            **course,
            local_field=height * local,
            spread_field=height * spread,
            delays=0.012 * angles,
        )
        # One that had begun before the recording, or outlasts it, is seen in part.
        start, stop = np.clip((first, last), 0, eeg.shape[1])
        eeg[:, start:stop] = seizure[:, start - first : stop - first]
    return eeg


PATTERNS: dict[str, Callable[[np.random.Generator, Session, Patient], np.ndarray]] = {
    "lpd": _lpd,
    "gpd": _gpd,
    "lrda": _lrda,
    "grda": _grda,
    "seizure": _seizures,
}
"""By pattern, what simulates a session's episodes of it, and nothing else of the brain."""
