"""Patterns that columns of cortex make by themselves: a third family of recordings.

The other families draw the shape of a discharge, a wave, a seizure. Here none is drawn: pulses
that reach excitable columns are answered by discharges, columns past a bifurcation swing in slow
limit cycles, and inhibition that fails makes seizures, with the waveforms that the equations of
``hbac.eeg.simulation.neural_mass`` give them. Several columns, each with its own place, noise and
strength, take part in every pattern, so that no two discharges and no two channels are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import neural_mass, population, scalp
from hbac.eeg.simulation.appearance import Ictal, Look, Periodic, Rhythmic
from hbac.eeg.simulation.background import wander
from hbac.eeg.simulation.discharges import DISCHARGE_SECONDS, discharge_onsets
from hbac.eeg.simulation.schematic import log_uniform, sized_fields
from hbac.eeg.simulation.seizures import (
    place_seizures,
    seizure_height,
    spread_of_seizure,
)
from hbac.eeg.simulation.timeline import Episode, presence

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient
    from hbac.eeg.simulation.session import Session

_DURATION = population.Quantiles(0.1, 0.2, 0.36)
"""Seconds of a discharge with its slow wave, as far as it stands out."""

_SEEN = 0.15
_BILATERAL = 0.2
_LARGER, _LARGER_SEIZURES = 1.6, 2.4
"""Than schematic patterns: nearer to the categories of ``hbac.eeg.simulation.population``."""

_NEGATIVE = 0.85


@dataclass(frozen=True)
class Response:
    """What a column answers to a pulse.

    Attributes:
        samples: over the 0.5 s of a discharge, shape ``(100,)``.
        height: factor.
    """

    samples: np.ndarray
    height: float = 1.0

    def waveform(self) -> np.ndarray:
        """The response, float32."""
        return (self.height * self.samples).astype(np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Evoked(Periodic):
    """Periodic discharges that pulses evoke.

    Attributes:
        gains: of the columns; see ``hbac.eeg.simulation.neural_mass``.
        strength: of a pulse, in pulses a second.
        speed: of the columns.
        noise: of their input.
    """

    gains: tuple[float, float, float]
    strength: float
    speed: float
    noise: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Cycling(Rhythmic):
    """Rhythmic delta of a column in a limit cycle, and of others that it drives.

    Attributes:
        gains: of the first column.
        drive: that keeps it in its cycle, in pulses a second.
        speed: of all.
        noise: of their input.
    """

    gains: tuple[float, float, float]
    drive: float
    speed: float
    noise: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Failing(Ictal):
    """A seizure of a column whose inhibition fails, and of others that it recruits.

    Attributes:
        gains: of the first column at the onset, at 0.4 of the way and at the end, shape ``(3, 3)``.
        speeds: of all, at the same times.
        noise: of their input.
        recruits: microvolts at each electrode of those that are recruited, shape ``(n, 19)``.
    """

    gains: np.ndarray
    speeds: np.ndarray
    noise: float
    recruits: np.ndarray


_COURSE = (0, 0.4, 1)
"""Where a seizure is at its onset, its peak and its end."""


def _place(rng: np.random.Generator, side: int) -> np.ndarray:
    """Unit vector to a place of the cortex, on one side (-1, 1) or anywhere (0)."""
    while True:
        place = rng.normal((0, 0.2, 0.4))
        place /= np.linalg.norm(place)
        if place[2] > -0.2 and (side == 0 or side * place[0] > 0.35):
            return place


def _near(rng: np.random.Generator, place: np.ndarray, side: int) -> np.ndarray:
    """Unit vector to a place some centimetres away, on the same side."""
    while True:
        moved = place + rng.normal(0, 0.35, 3)
        moved /= np.linalg.norm(moved)
        if side == 0 or side * moved[0] > 0.25:
            return moved


def _patch(rng: np.random.Generator, place: np.ndarray, widths: tuple[float, float]) -> np.ndarray:
    width = rng.uniform(*widths)
    return rng.lognormal(0, 0.4) * scalp.patch_field(place, width=width, tilt=rng.normal(0, 0.4, 3))


def _polarity(rng: np.random.Generator) -> int:
    return -1 if rng.random() < _NEGATIVE else 1


def lateralised_columns(rng: np.random.Generator, ambiguity: float) -> np.ndarray:
    """Fields of one to four columns of one side, and of their like on the other, (n, 19)."""
    side = rng.choice([-1, 1])
    first = _place(rng, side)
    places = [first, *(_near(rng, first, side) for _ in range(rng.integers(0, 4)))]
    fields = np.stack([_patch(rng, place, (0.1, 0.6)) for place in places])
    mirrored = rng.uniform(0, 0.3) + 0.3 * ambiguity if rng.random() < _BILATERAL else 0.0
    shares = mirrored * rng.lognormal(0, 0.3, (len(fields), 1))
    return _polarity(rng) * (fields + shares * fields[:, scalp.MIRRORED])


def generalised_columns(rng: np.random.Generator, ambiguity: float) -> np.ndarray:
    """Fields of two to six columns in pairs, one a side, that differ in size, (n, 19)."""
    first = _place(rng, -1)
    first = first * (1, 1 if rng.random() < 0.25 else np.sign(first[1]), 1)
    places = [first, *(_near(rng, first, -1) for _ in range(rng.integers(0, 3)))]
    left = np.stack([_patch(rng, place, (0.3, 0.9)) for place in places])
    uneven = rng.lognormal(0, 0.15 + 0.3 * ambiguity, (len(left), 1))
    return _polarity(rng) * np.concatenate([left, uneven * left[:, scalp.MIRRORED]])


def _prototype(
    gains: Sequence[float], drive: np.ndarray | float, *, speed: float, seconds: float
) -> np.ndarray:
    """What a column does without noise."""
    drives = np.broadcast_to(drive, (1, round(seconds * SAMPLING_RATE)))
    unused = np.random.default_rng(0)
    return neural_mass.simulate_columns(unused, np.array(gains), drives, speed=speed)[0]


def _pulses(
    onsets: np.ndarray, heights: np.ndarray, samples: int, *, strength: float, speed: float
) -> np.ndarray:
    """Input of a volley of pulses at each onset, ``(t / w)**7 exp(-t / w)`` (Jansen and Rit)."""
    times = np.arange(0, 0.15 / speed, 1 / SAMPLING_RATE) * speed / 0.005
    volley = (times / 7) ** 7 * np.exp(7 - times)
    impulses = np.zeros(samples)
    np.add.at(impulses, (onsets * SAMPLING_RATE).astype(int), heights)
    return strength * np.convolve(impulses, volley)[:samples]


def _answer(gains: Sequence[float], strength: float, speed: float, seconds: float) -> np.ndarray:
    """What a column at rest answers to one volley."""
    pulses = _pulses(
        np.zeros(1), np.ones(1), round(seconds * SAMPLING_RATE), strength=strength, speed=speed
    )
    return _prototype(gains, neural_mass.REST + pulses, speed=speed, seconds=seconds)


def _standing_out(waveform: np.ndarray) -> float:
    """Seconds from the first to the last sample that stands out."""
    above = np.flatnonzero(np.abs(waveform) > _SEEN * np.abs(waveform).max())
    return float(np.ptp(above) + 1) / SAMPLING_RATE


def _draw_excitable(rng: np.random.Generator) -> tuple[tuple[float, float, float], float]:
    """Gains of a column that answers a volley by a discharge, and the volley's strength."""
    a, b, g = (neural_mass.VISUAL, neural_mass.SPORADIC_SPIKES)[rng.integers(2)]
    gains = a * rng.uniform(0.9, 1.05), b * rng.uniform(0.9, 1.2), g * rng.uniform(0.5, 1.3)
    return gains, log_uniform(rng, 250, 1500)


def _evoked(
    rng: np.random.Generator,
    session: Session,
    patient: Patient,
    fields: np.ndarray,
    rhythm: tuple[population.Quantiles, population.Quantiles],
) -> Evoked:
    gains, strength = _draw_excitable(rng)
    natural = _standing_out(_answer(gains, strength, 1.0, 1.0))
    speed = float(np.clip(natural / _DURATION.draw(rng, limits=(0.07, 0.45)), 0.4, 2.5))
    answer = _answer(gains, strength, speed, DISCHARGE_SECONDS)
    rate, variation = rhythm
    return Evoked(
        rate=rate.draw(rng, limits=(0.3, 2.5)),
        jitter=variation.draw(rng),
        phases=(Response(answer / np.ptp(answer)),),
        fields=_LARGER * sized_fields(rng, fields, session, patient),
        delays=rng.uniform(0, 0.04) * rng.random(len(fields)),
        plus=None,
        gains=gains,
        strength=strength,
        speed=speed,
        noise=rng.uniform(3, 20),
    )


_SWINGING = ((neural_mass.VISUAL, (140, 320)), (neural_mass.QUASI_SINUSOIDAL, (80, 120)))
_SPIKY = (neural_mass.VISUAL, (116, 134))


def _harmonic(trace: np.ndarray, frequency: float) -> float:
    """Size of the second harmonic over that of the first."""
    turn = 2j * np.pi * frequency * np.arange(len(trace)) / SAMPLING_RATE
    first, second = (abs(np.mean(trace * np.exp(-k * turn))) for k in (1, 2))
    return float(second / first)


def _cycling(
    rng: np.random.Generator, session: Session, patient: Patient, fields: np.ndarray
) -> Cycling:
    gains, drives = _SPIKY if rng.random() < 0.15 else _SWINGING[rng.integers(2)]
    drive = rng.uniform(*drives)
    natural = _prototype(gains, drive, speed=1.0, seconds=4)
    frequency = neural_mass.frequency_of(natural)
    rate = population.RDA_RATE.draw(rng, limits=(0.5, 4))
    return Cycling(
        rate=rate,
        jitter=population.RDA_VARIATION.draw(rng, limits=(0, 0.3)),
        sharpness=_harmonic(natural, frequency),
        spikes=0.0,
        fields=_LARGER * sized_fields(rng, fields, session, patient),
        delays=rng.uniform(0, 0.06) * rng.random(len(fields)),
        gains=gains,
        drive=drive,
        speed=rate / frequency,
        noise=rng.uniform(5, 30),
    )


_FAILURES = (
    (neural_mass.SUSTAINED_SPIKES, neural_mass.QUASI_SINUSOIDAL),
    (neural_mass.LOW_VOLTAGE_FAST, neural_mass.SUSTAINED_SPIKES),
    (neural_mass.SUSTAINED_SPIKES, (5.0, 30.0, 10.0)),
    (neural_mass.QUASI_SINUSOIDAL, (5.0, 25.0, 5.0)),
)
"""From where to where the gains drift."""

_ICTAL_RATES = ((1.8, 3.5), (3, 7), (7, 14))
_ICTAL_CHANCES = (0.3, 0.5, 0.2)


def _draw_failure(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Gains and speeds at three times, the frequencies that they give, and the last sharpness."""
    onset, end = np.array(_FAILURES[rng.integers(len(_FAILURES))])
    onset, end = (gains * rng.uniform(0.9, 1.1, 3) for gains in (onset, end))
    gains = np.stack([onset, onset + rng.uniform(0.2, 0.8) * (end - onset), end])
    own = [
        neural_mass.simulate_columns(
            np.random.default_rng(0), each, np.full((1, 800), neural_mass.REST), noise=10
        )[0]
        for each in gains
    ]
    natural = np.array([neural_mass.frequency_of(trace) for trace in own])
    rate = log_uniform(rng, *_ICTAL_RATES[rng.choice(3, p=_ICTAL_CHANCES)])
    slowing = np.exp(rng.normal(0.15, 0.2) * np.array([1, 0.3, -1]))
    speeds = np.clip(rate / np.exp(np.log(natural).mean()) * slowing, 0.1, 2)
    return gains, speeds, natural * speeds, 8 * _harmonic(own[-1], natural[-1])


def _failing(rng: np.random.Generator, session: Session, patient: Patient) -> Failing:
    gains, speeds, rates, sharpness = _draw_failure(rng)
    generalised = rng.random() < population.GENERALISED_SEIZURES
    draw = generalised_columns if generalised else lateralised_columns
    fields = _LARGER_SEIZURES * sized_fields(rng, draw(rng, session.ambiguity), session, patient)
    local = fields.sum(axis=0)
    recruits = [_patch(rng, _place(rng, 0), (0.2, 0.7)) for _ in range(rng.integers(1, 4))]
    recruits = np.stack(recruits) * rng.uniform(0, 0.5) * scalp.bipolar_amplitudes(local).max()
    return Failing(
        course=dict(zip(("onset", "peak", "offset"), rates.tolist(), strict=True))
        | {"sharpness": sharpness},
        local=local,
        spread=local + recruits.sum(axis=0),
        delays=rng.uniform(0, 0.05) * rng.random(len(recruits)),
        gains=gains,
        speeds=speeds,
        noise=rng.uniform(5, 30),
        recruits=recruits,
    )


_LPD = population.LPD_RATE, population.LPD_VARIATION
_GPD = population.GPD_RATE, population.GPD_VARIATION

NEURAL_MASS_LOOKS: dict[str, Callable[[np.random.Generator, Session, Patient], Look]] = {
    "lpd": lambda rng, s, p: _evoked(rng, s, p, lateralised_columns(rng, s.ambiguity), _LPD),
    "gpd": lambda rng, s, p: _evoked(rng, s, p, generalised_columns(rng, s.ambiguity), _GPD),
    "lrda": lambda rng, s, p: _cycling(rng, s, p, lateralised_columns(rng, s.ambiguity)),
    "grda": lambda rng, s, p: _cycling(rng, s, p, generalised_columns(rng, s.ambiguity)),
    "seizure": _failing,
}
"""What draws how each pattern looks where columns make it."""


def _shifted(traces: np.ndarray, delays: np.ndarray) -> np.ndarray:
    """Traces that lag, each by its own seconds."""
    lags = np.round(delays * SAMPLING_RATE).astype(int)
    return np.stack([np.roll(trace, lag) for trace, lag in zip(traces, lags, strict=True)])


def _responses(
    rng: np.random.Generator,
    look: Evoked,
    onsets: np.ndarray,
    heights: np.ndarray,
    samples: int,
) -> np.ndarray:
    """What columns answer to volleys at ``onsets``, of heights over those of the look."""
    columns = len(look.fields)
    sizes = heights * rng.lognormal(0, 0.15, (columns, len(onsets)))
    drives = np.stack(
        [_pulses(onsets, own, samples, strength=look.strength, speed=look.speed) for own in sizes]
    )
    gains = np.array(look.gains) * rng.uniform(0.97, 1.0, (columns, 1, 3))
    traces = neural_mass.simulate_columns(
        rng, gains, neural_mass.REST + drives, speed=look.speed, noise=look.noise
    )
    answer = _answer(look.gains, look.strength, look.speed, DISCHARGE_SECONDS)
    scaled = _shifted(traces, look.delays) / np.ptp(answer)
    return look.fields.T.astype(np.float32) @ scaled


def simulate_evoked(
    rng: np.random.Generator, look: Evoked, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    """Simulate periodic discharges, microvolts of shape ``(19, samples)``."""
    onsets = discharge_onsets(rng, samples, frequency=look.rate, jitter=look.jitter)
    envelope = presence(episodes, samples, ramp=0.5)
    heights = envelope[(onsets * SAMPLING_RATE).astype(int)]
    there = heights > 0
    return _responses(rng, look, onsets[there], heights[there], samples)


def sporadic_responses(
    rng: np.random.Generator, session: Session, patient: Patient, onsets: np.ndarray
) -> np.ndarray:
    """Simulate single discharges that look like the LPDs that the session would have.

    Args:
        rng: source of noise.
        session: of which length, seed and ambiguity.
        patient: of whom the size of the background.
        onsets: seconds at which volleys come.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    look = NEURAL_MASS_LOOKS["lpd"](session.generator_of_look("lpd"), session, patient)
    samples = session.seconds * SAMPLING_RATE
    return _responses(rng, look, onsets, np.ones(len(onsets)), samples)


_COUPLING = 25.0
"""Pulses a second that reach a column for each Hz that the column which drives it fires."""


def _driven(
    rng: np.random.Generator,
    first: np.ndarray,
    columns: int,
    *,
    speed: np.ndarray | float,
    noise: float,
) -> np.ndarray:
    """Excitable columns that another drives, shape ``(columns, samples)``."""
    swing = first / np.quantile(np.abs(first), 0.9)
    strength = _COUPLING * rng.uniform(0.5, 2, (columns, 1))
    gains = np.array(neural_mass.VISUAL) * rng.uniform(0.9, 1.0, (columns, 1, 3))
    drives = 80 + strength * np.maximum(swing + 1, 0)
    return neural_mass.simulate_columns(rng, gains, drives, speed=speed, noise=noise)


def _led(
    rng: np.random.Generator,
    gains: np.ndarray,
    drive: np.ndarray,
    followers: int,
    *,
    speed: np.ndarray,
    noise: float,
) -> np.ndarray:
    """A column and others that it drives, shape ``(1 + followers, samples)``."""
    first = neural_mass.simulate_columns(rng, gains, drive, speed=speed, noise=noise)
    others = _driven(rng, first[0], followers, speed=speed, noise=noise)
    return np.concatenate([first, others])


def _of_unit_height(traces: np.ndarray, block: int) -> np.ndarray:
    """Traces whose blocks are 1 from peak to peak, in the median."""
    block = min(block, traces.shape[1])
    whole = traces[:, : traces.shape[1] // block * block]
    heights = np.median(np.ptp(whole.reshape(len(traces), -1, block), axis=2), axis=1)
    return traces / (heights[:, None] + 1e-6)


def simulate_cycling(
    rng: np.random.Generator, look: Cycling, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    """Simulate rhythmic delta activity, microvolts of shape ``(19, samples)``."""
    speed = look.speed * np.exp(1.3 * look.jitter * wander(rng, samples, seconds=1 / look.rate))
    drive = np.full((1, samples), look.drive) + 5 * wander(rng, samples, seconds=4)
    gains, followers = np.array(look.gains), len(look.fields) - 1
    traces = _led(rng, gains, drive, followers, speed=speed, noise=look.noise)
    traces = _of_unit_height(traces, round(1.2 / look.rate * SAMPLING_RATE))
    waxing = np.exp(
        0.25 * wander(rng, samples, seconds=1.5) + 0.2 * wander(rng, samples, seconds=20)
    )
    traces = _shifted(traces, look.delays) * waxing * presence(episodes, samples, ramp=2)
    return look.fields.T.astype(np.float32) @ traces.astype(np.float32)


def _seizure(rng: np.random.Generator, look: Failing, samples: int) -> np.ndarray:
    """One whole seizure, microvolts of shape ``(19, samples)``."""
    progress = np.arange(samples) / samples
    gains = np.stack([np.interp(progress, _COURSE, own) for own in look.gains.T], axis=1)
    speed = np.interp(progress, _COURSE, look.speeds)
    speed = speed * np.exp(0.06 * wander(rng, samples, seconds=2))
    drive = np.full((1, samples), neural_mass.REST)
    traces = _led(rng, gains, drive, len(look.recruits), speed=speed, noise=look.noise)
    traces = _of_unit_height(_shifted(traces, np.append(0, look.delays)), SAMPLING_RATE)
    ending = np.clip((1 - progress) * samples / SAMPLING_RATE, 0, 1)
    traces *= seizure_height(progress) * ending * np.exp(0.2 * wander(rng, samples, seconds=1))
    traces[1:] *= spread_of_seizure(progress)
    return np.vstack([look.local, look.recruits]).T.astype(np.float32) @ traces.astype(np.float32)


def simulate_failing(
    rng: np.random.Generator, look: Failing, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    """Simulate seizures, microvolts of shape ``(19, samples)``."""
    return place_seizures(partial(_seizure, rng, look), episodes, samples)
