"""Patterns and backgrounds drawn at random: a second family of recordings, of no anatomy.

``hbac.eeg.simulation.anatomical`` draws what is known of these patterns, from dipoles in a head to
the shapes of discharges, and is wrong in ways of its own. What is learnt from one simulator alone
includes these. Here nothing but the definition of a class holds: fields are smooth and lie on one
side or on both, discharges are any short oscillation, rhythms are noise of a narrow band, and
spectra walk at random. A network that is trained on both families is left with what they share
(Tobin et al., "Domain Randomization for Transferring Deep Neural Networks from Simulation to the
Real World", IROS, 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import population, scalp
from hbac.eeg.simulation.appearance import Ictal, Look, Periodic, Rhythmic
from hbac.eeg.simulation.background import coloured_noise, wander
from hbac.eeg.simulation.discharges import DISCHARGE_SECONDS, Phase, of_unit_height

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient
    from hbac.eeg.simulation.session import Session

_HEIGHTS = (5.0, 22.0)
"""From peak to peak over the root mean square of the background, which has some five itself."""

_LARGER_SEIZURES = 1.6
_TANGENTIAL = 0.3
_BILATERAL = 0.4

_OCTAVES = np.log([0.3, 1, 2, 4, 8, 16, 32, 100])
"""Logarithms of the frequencies between which a spectrum is a power law."""


@dataclass(frozen=True)
class Oscillation:
    """A discharge of any shape: a cosine under a Gaussian.

    Attributes:
        seconds: its length, up to 0.5 s.
        cycles: how many it has.
        phase: of the cosine in its middle, in radians.
        height: relative amplitude.
    """

    seconds: float
    cycles: float
    phase: float
    height: float

    def waveform(self) -> np.ndarray:
        """The oscillation over the 0.5 s of a discharge, shape ``(100,)``, float32."""
        times = np.arange(0, DISCHARGE_SECONDS, 1 / SAMPLING_RATE) - self.seconds / 2
        under = np.exp(-0.5 * (5 * times / self.seconds) ** 2)
        turn = 2 * np.pi * self.cycles * times / self.seconds + self.phase
        return (self.height * under * np.cos(turn)).astype(np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is as likely anywhere between two limits."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _shape(rng: np.random.Generator) -> tuple[Oscillation | Phase, ...]:
    """An oscillation, and half of the time a slow wave that follows."""
    seconds = rng.uniform(0.08, 0.4)
    shape = [Oscillation(seconds, rng.uniform(0.3, 2), rng.uniform(0, 2 * np.pi), 1.0)]
    if rng.random() < 0.5:
        width = rng.uniform(0.03, 0.07)
        height = rng.choice([-1, 1]) * rng.uniform(0.2, 0.8)
        shape.append(Phase(min(seconds + width, 0.45), width, width, height))
    return of_unit_height(*shape)


def _place(rng: np.random.Generator, side: int) -> np.ndarray:
    """Unit vector to a place on the head, on one side (-1, 1) or anywhere (0)."""
    while True:
        place = rng.standard_normal(3) * (1, 1, 0.8)
        place[2] = abs(place[2])
        place /= np.linalg.norm(place)
        if side == 0 or side * place[0] > 0.25:
            return place


def _bump(rng: np.random.Generator, side: int) -> np.ndarray:
    """A smooth field, now and then with two poles; 1 at its largest electrode."""
    place = _place(rng, side)
    field = scalp.scalp_field(place, width=rng.uniform(0.35, 0.9))
    if rng.random() < _TANGENTIAL:
        direction = np.cross(place, rng.standard_normal(3))
        field = field * ((scalp.POSITIONS - place) @ (direction / np.linalg.norm(direction)))
    return rng.choice([-1, 1]) * field / np.abs(field).max()


def _lateralised(rng: np.random.Generator) -> np.ndarray:
    """A field of one side, with or without a smaller one of the other."""
    field = _bump(rng, rng.choice([-1, 1]))
    mirrored = rng.uniform(0, 0.5) if rng.random() < _BILATERAL else 0.0
    return field + mirrored * field[scalp.MIRRORED]


def _generalised(rng: np.random.Generator) -> np.ndarray:
    """A field of both sides, of like sizes."""
    field = _bump(rng, -1)
    both = rng.uniform(0.6, 1) * field + rng.uniform(0.6, 1) * field[scalp.MIRRORED]
    return both + rng.uniform(0, 0.4) * _bump(rng, 0)


def sized_fields(
    rng: np.random.Generator, fields: np.ndarray, session: Session, patient: Patient
) -> np.ndarray:
    """Give fields, shape ``(n, 19)``, the height of a pattern together.

    It stands out of the background by a factor that is drawn, and less where experts differ.
    """
    height = log_uniform(rng, *_HEIGHTS) * np.exp(-session.ambiguity) * patient.amplitude
    return height * fields / scalp.bipolar_amplitudes(fields.sum(axis=0)).max()


def _fields(rng: np.random.Generator, field: np.ndarray) -> np.ndarray:
    """A field, and half of the time another that varies by itself."""
    if rng.random() < 0.5:
        return field[np.newaxis]
    return np.stack([field, rng.uniform(0.1, 0.4) * _bump(rng, 0)])


def _periodic(
    rng: np.random.Generator, session: Session, patient: Patient, field: np.ndarray
) -> Periodic:
    return Periodic(
        rate=log_uniform(rng, 0.5, 2.4),
        jitter=log_uniform(rng, 0.08, 0.4),
        phases=_shape(rng),
        fields=sized_fields(rng, _fields(rng, field), session, patient),
        delays=rng.uniform(0, 0.03) * rng.random(len(field)),
        plus=None,
    )


def _rhythmic(
    rng: np.random.Generator, session: Session, patient: Patient, field: np.ndarray
) -> Rhythmic:
    return Rhythmic(
        rate=log_uniform(rng, 0.7, 3.0),
        jitter=rng.uniform(0.04, 0.18),
        sharpness=rng.uniform(-0.3, 0.3),
        spikes=0.0,
        fields=sized_fields(rng, _fields(rng, field), session, patient),
        delays=rng.uniform(0, 0.06) * rng.random(len(field)),
        narrow_band=True,
    )


def _seizure(rng: np.random.Generator, session: Session, patient: Patient) -> Ictal:
    onset = rng.choice([rng.uniform(1.8, 3.5), rng.uniform(3, 7), rng.uniform(7, 15)])
    peak, offset = onset * np.exp(rng.normal(0, 0.25, 2))
    course = {"onset": onset, "peak": peak, "offset": offset, "sharpness": rng.choice([0, 3, 10])}
    draw = _generalised if rng.random() < population.GENERALISED_SEIZURES else _lateralised
    local = _LARGER_SEIZURES * sized_fields(rng, draw(rng)[np.newaxis], session, patient)[0]
    spread = local + rng.uniform(0, 0.8) * np.abs(local).max() * _bump(rng, 0)
    return Ictal(course, local, spread, rng.uniform(0, 0.04) * rng.random(len(local)))


SCHEMATIC_LOOKS: dict[str, Callable[[np.random.Generator, Session, Patient], Look]] = {
    "lpd": lambda rng, *of: _periodic(rng, *of, _lateralised(rng)),
    "gpd": lambda rng, *of: _periodic(rng, *of, _generalised(rng)),
    "lrda": lambda rng, *of: _rhythmic(rng, *of, _lateralised(rng)),
    "grda": lambda rng, *of: _rhythmic(rng, *of, _generalised(rng)),
    "seizure": _seizure,
}
"""What draws how each pattern looks where nothing but its definition holds."""


def _random_spectrum(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Amplitudes that fall from octave to octave, each by a chance of its own; as a density."""
    levels = np.cumsum(np.r_[0, rng.normal(-0.55, 0.45, len(_OCTAVES) - 1)])
    low = np.exp(_OCTAVES[0])
    return lambda f: np.exp(2 * np.interp(np.log(f), _OCTAVES, levels)) / (1 + (low / f) ** 6)


def _random_mixing(rng: np.random.Generator) -> np.ndarray:
    """Matrix by which noise of electrodes is the more alike the nearer they are."""
    apart = np.linalg.norm(scalp.POSITIONS[:, None] - scalp.POSITIONS, axis=-1)
    alike = np.exp(-((apart / rng.uniform(0.3, 1.5)) ** rng.uniform(1, 2)))
    values, vectors = np.linalg.eigh(alike)
    return vectors * np.sqrt(np.maximum(values, 0))


def schematic_background(rng: np.random.Generator, samples: int, patient: Patient) -> np.ndarray:
    """Ongoing activity of two random spectra, each with a random likeness of neighbours.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        patient: of whom the amplitude.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    ongoing = np.zeros((len(scalp.POSITIONS), samples), np.float32)
    for _ in range(2):
        noise = coloured_noise(rng, _random_spectrum(rng), shape=ongoing.shape)
        noise *= rng.uniform(0.3, 1) / noise.std()
        ongoing += _random_mixing(rng).astype(np.float32) @ noise
    ongoing *= np.exp(rng.uniform(0, 0.4) * wander(rng, samples, seconds=1.5))
    return ongoing * (patient.amplitude / scalp.bipolar_amplitude_of(ongoing))
