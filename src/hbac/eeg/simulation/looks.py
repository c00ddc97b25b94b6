"""How each pattern of a session looks: where, how fast, how large and of what shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import discharges, patterns, population, scalp, seizures
from hbac.eeg.simulation.appearance import Ictal, Look, Periodic, Plus, Rhythmic
from hbac.eeg.simulation.background import coloured_noise, spectral_peak
from hbac.eeg.simulation.neural_mass_looks import (
    Cycling,
    Evoked,
    Failing,
    draw_neural_mass_look,
    simulate_cycling,
    simulate_evoked,
    simulate_failing,
)
from hbac.eeg.simulation.patient import Patient
from hbac.eeg.simulation.schematic import draw_schematic_look
from hbac.eeg.simulation.timeline import Episode, presence
from hbac.eeg.votes import CLASSES

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


def _draw_plus(rng: np.random.Generator) -> Plus | None:
    chance = rng.random()
    if chance < _PLUS:
        return Plus("fast", rng.uniform(10, 22))
    if chance < 2 * _PLUS:
        jitter = population.RDA_VARIATION.draw(rng, limits=(0, 0.3))
        return Plus("rhythmic", rng.uniform(1, 3), rng.uniform(0.2, 0.4), jitter)
    return None


def _draw_lpd(rng: np.random.Generator, session: Session, patient: Patient) -> Periodic:
    height = draw_height(rng, session, patient, population.LPD_AMPLITUDE)
    return Periodic(
        rate=population.LPD_RATE.draw(rng, limits=(0.3, 2.5)),
        jitter=population.LPD_VARIATION.draw(rng),
        phases=discharges.draw_morphology(rng),
        fields=np.atleast_2d(height * _lpd_field(rng, session, patient)),
        delays=0.0,
        plus=_draw_plus(rng),
    )


def _draw_gpd(rng: np.random.Generator, session: Session, patient: Patient) -> Periodic:
    height = draw_height(rng, session, patient, population.GPD_AMPLITUDE)
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
    field = draw_lateralised(rng, session, patient, width=rng.uniform(0.3, 0.9))
    height = draw_height(rng, session, patient, population.LRDA_AMPLITUDE)
    return _draw_rhythmic(rng, height * field, 0.0)


def _draw_grda(rng: np.random.Generator, session: Session, patient: Patient) -> Rhythmic:
    height = draw_height(rng, session, patient, population.GRDA_AMPLITUDE)
    fields = height * _generalised(rng, session)
    return _draw_rhythmic(rng, fields, _generalised_delays(rng, 0.08))


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


def _draw_seizure(rng: np.random.Generator, session: Session, patient: Patient) -> Ictal:
    height = draw_height(rng, session, patient, population.SEIZURE_AMPLITUDE)
    local, spread = _seizure_fields(rng, session, patient)
    angles = np.arccos(np.clip(scalp.POSITIONS @ scalp.electrode_position(patient.focus), -1, 1))
    return Ictal(seizures.draw_course(rng), height * local, height * spread, 0.012 * angles)


_DRAWS: dict[str, Callable[[np.random.Generator, Session, Patient], Look]] = {
    "lpd": _draw_lpd,
    "gpd": _draw_gpd,
    "lrda": _draw_lrda,
    "grda": _draw_grda,
    "seizure": _draw_seizure,
}


def draw_look(session: Session, patient: Patient, pattern: str) -> Look:
    """Draw how a pattern looks in a session, which follows from the session and patient alone.

    So those who are asked about it know it without a recording being made.

    Args:
        session: of which seed and ambiguity.
        patient: whose focus and background it has.
        pattern: one of ``hbac.eeg.votes.CLASSES`` but ``other``.
    """
    rng = np.random.default_rng([session.seed, 2, CLASSES.index(pattern)])
    if session.schematic:
        return draw_schematic_look(rng, session, patient, pattern)
    if session.neural_mass:
        return draw_neural_mass_look(rng, session, patient, pattern)
    return _DRAWS[pattern](rng, session, patient)


def _simulate_plus(
    rng: np.random.Generator, plus: Plus, envelope: np.ndarray, field: np.ndarray
) -> np.ndarray:
    if plus.kind == "fast":
        density = spectral_peak(frequency=plus.frequency, bandwidth=2.0, rms=0.08)
        fast = coloured_noise(rng, density, shape=(1, len(envelope)))[0]
        return scalp.project((fast * envelope).astype(np.float32), field)
    return patterns.simulate_rhythmic_delta(
        rng,
        envelope,
        frequency=plus.frequency,
        field=plus.share * field,
        jitter=plus.jitter,
        sharpness=0.0,
    )


def _simulate_periodic(
    rng: np.random.Generator, look: Periodic, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    envelope = presence(episodes, samples, ramp=0.5)
    eeg = patterns.simulate_periodic_discharges(
        rng,
        envelope,
        frequency=look.rate,
        jitter=look.jitter,
        phases=look.phases,
        field=look.fields,
        delays=look.delays,
    )
    if look.plus is not None:
        eeg += _simulate_plus(rng, look.plus, envelope, look.fields.sum(axis=0))
    return eeg


def _simulate_rhythmic(
    rng: np.random.Generator, look: Rhythmic, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    return patterns.simulate_rhythmic_delta(
        rng,
        presence(episodes, samples, ramp=2),
        frequency=look.rate,
        field=look.fields,
        jitter=look.jitter,
        sharpness=look.sharpness,
        spikes=look.spikes,
        delays=look.delays,
        narrow_band=look.narrow_band,
    )


def _simulate_seizures(
    rng: np.random.Generator, look: Ictal, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    eeg = np.zeros((len(scalp.POSITIONS), samples), np.float32)
    for episode in episodes:
        first, last = (round(t * SAMPLING_RATE) for t in (episode.start, episode.stop))
        seizure = seizures.simulate_seizure(
            rng,
            last - first,
            **look.course,
            local_field=look.local,
            spread_field=look.spread,
            delays=look.delays,
        )
        # One that had begun before the recording, or outlasts it, is seen in part.
        start, stop = np.clip((first, last), 0, samples)
        eeg[:, start:stop] = seizure[:, start - first : stop - first]
    return eeg


_SIMULATORS: dict[type, Callable[..., np.ndarray]] = {
    Periodic: _simulate_periodic,
    Rhythmic: _simulate_rhythmic,
    Ictal: _simulate_seizures,
    Evoked: simulate_evoked,
    Cycling: simulate_cycling,
    Failing: simulate_failing,
}


def simulate_look(
    rng: np.random.Generator, session: Session, patient: Patient, pattern: str
) -> np.ndarray:
    """Simulate a session's episodes of a pattern, and nothing else of the brain.

    Args:
        rng: source of what varies from one discharge, wave or seizure to the next.
        session: of which episodes, length, seed and ambiguity.
        patient: see ``draw_look``.
        pattern: see ``draw_look``.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    look = draw_look(session, patient, pattern)
    samples = session.seconds * SAMPLING_RATE
    return _SIMULATORS[type(look)](rng, look, session.episodes_of(pattern), samples)
