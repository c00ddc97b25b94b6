"""What the brain of a session makes: a patient's background and the looks of each pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import artefacts, discharges, patterns, population, scalp, seizures
from hbac.eeg.simulation.background import coloured_noise, simulate_background, spectral_peak
from hbac.eeg.simulation.patient import Patient
from hbac.eeg.simulation.sleep import simulate_sleep
from hbac.eeg.simulation.timeline import Episode, presence

if TYPE_CHECKING:
    from hbac.eeg.simulation.session import Session

_TRIPHASIC = 0.5
_SUPPRESSED = 0.12
_ATTENUATED = 0.3

_PLUS = 0.2
"""How often periodic discharges come with fast activity (+F) or rhythmic delta (+R), and rhythmic
delta has spikes (+S) (ACNS 2021, section C)."""

_FRAGMENTS = 0.25
"""How often a recording without a pattern shows seconds of one."""

_CLARITY = 2.0
"""Standard deviations from the height of the faintest, most ambiguous patterns to the clearest."""

_STANDS_OUT = 7.0
"""Height of the faintest pattern that all see, over the root mean square of the background, which
has some five times that from peak to peak: what doesn't stand out of it, nobody calls a pattern."""


def _amplitude(
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
    height = _amplitude(rng, session, patient, population.LPD_AMPLITUDE)
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
    height = _amplitude(rng, session, patient, population.GPD_AMPLITUDE)
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
    field = _lateralised(rng, session, patient, width=rng.uniform(0.3, 0.9))
    height = _amplitude(rng, session, patient, population.LRDA_AMPLITUDE)
    return _rhythmic(rng, session, "lrda", height * field)


def _grda(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    height = _amplitude(rng, session, patient, population.GRDA_AMPLITUDE)
    delays = _generalised_delays(rng, 0.08)
    field = _generalised(rng, session)
    return _rhythmic(rng, session, "grda", height * field, delays=delays)


def _evolving(rng: np.random.Generator) -> dict[str, float]:
    return {
        "onset": rng.uniform(2, 4),
        "peak": rng.uniform(4, 9),
        "offset": rng.uniform(1, 2.5),
        "sharpness": rng.uniform(0.5, 5),
    }


def _fast(rng: np.random.Generator) -> dict[str, float]:
    """Of 8 to 20 Hz at its start."""
    start = rng.uniform(8, 20)
    return {
        "onset": start,
        "peak": 0.8 * start,
        "offset": rng.uniform(0.2, 0.6) * start,
        "sharpness": rng.uniform(0, 1.5),
    }


def _slow(rng: np.random.Generator) -> dict[str, float]:
    """Spike-and-wave of 1.5 to 3 Hz."""
    start = rng.uniform(1.7, 3)
    return {
        "onset": start,
        "peak": 1.1 * start,
        "offset": 0.8 * start,
        "sharpness": rng.uniform(4, 10),
    }


def _steady(rng: np.random.Generator) -> dict[str, float]:
    """Faster than 2.5 Hz, with no evolution that 10 s would show."""
    start = rng.uniform(2.6, 5)
    return {
        "onset": start,
        "peak": rng.uniform(0.95, 1.1) * start,
        "offset": rng.uniform(0.8, 1) * start,
        "sharpness": rng.uniform(0.3, 5),
    }


_SEIZURE_KINDS = ((_evolving, 0.45), (_fast, 0.1), (_slow, 0.2), (_steady, 0.25))
_GENERALISED_SEIZURES = 0.35


def _draw_seizure(rng: np.random.Generator) -> dict[str, float]:
    kinds, chances = zip(*_SEIZURE_KINDS, strict=True)
    return kinds[rng.choice(len(kinds), p=chances)](rng)


def _seizure_fields(
    rng: np.random.Generator, session: Session, patient: Patient
) -> tuple[np.ndarray, np.ndarray]:
    """Where a seizure starts, and where it spreads to."""
    if rng.random() < _GENERALISED_SEIZURES:
        field = _generalised(rng, session).sum(axis=0)
        return field, field
    local = _lateralised(rng, session, patient, width=rng.uniform(0.3, 0.6))
    spread = scalp.lateralised_field(
        patient.focus, width=rng.uniform(0.5, 1.3), contralateral=rng.uniform(0.1, 0.9)
    )
    return local, spread


def _seizures(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """All seizures of a session: alike in focus and frequency, as a patient's seizures are."""
    eeg = np.zeros((len(scalp.POSITIONS), session.seconds * SAMPLING_RATE), np.float32)
    height = _amplitude(rng, session, patient, population.SEIZURE_AMPLITUDE)
    local, spread = _seizure_fields(rng, session, patient)
    course = _draw_seizure(rng)
    angles = np.arccos(np.clip(scalp.POSITIONS @ scalp.electrode_position(patient.focus), -1, 1))
    for episode in session.episodes_of("seizure"):
        first, last = (round(t * SAMPLING_RATE) for t in (episode.start, episode.stop))
        eeg[:, first:last] = seizures.simulate_seizure(
            rng,
            last - first,
            **course,
            local_field=height * local,
            spread_field=height * spread,
            delays=0.012 * angles,
        )
    return eeg


PATTERNS: dict[str, Callable[[np.random.Generator, Session, Patient], np.ndarray]] = {
    "lpd": _lpd,
    "gpd": _gpd,
    "lrda": _lrda,
    "grda": _grda,
    "seizure": _seizures,
}
"""By pattern, what simulates a session's episodes of it, and nothing else of the brain."""


def _sporadic_discharges(
    rng: np.random.Generator, session: Session, patient: Patient
) -> np.ndarray:
    """Single discharges without a period, as recordings of class ``other`` may have."""
    samples = session.seconds * SAMPLING_RATE
    per_minute = rng.choice([0, 0, 2, 8])
    onsets = artefacts.event_times(rng, session.seconds, per_minute=per_minute)
    trace = discharges.discharge_train(rng, onsets, samples, phases=discharges.draw_morphology(rng))
    field = _lateralised(rng, session, patient, width=0.4)
    return scalp.project(trace, _amplitude(rng, session, patient, population.LPD_AMPLITUDE) * field)


def _focal_slowing(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Polymorphic delta over a lesion."""
    density = spectral_peak(frequency=1.2, bandwidth=0.7, rms=rng.uniform(0.3, 1.0))
    trace = coloured_noise(rng, density, shape=(1, session.seconds * SAMPLING_RATE))[0]
    field = scalp.lateralised_field(patient.focus, width=0.5, contralateral=0.0)
    return scalp.project(trace, patient.amplitude * field)


def _burst_suppression(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Gain of a burst-suppression background: bursts of 1-4 s, suppression for 2-8 s."""
    pairs = rng.uniform([1, 2], [4, 8], (samples // (3 * SAMPLING_RATE) + 1, 2))
    edges = np.cumsum(pairs.ravel())
    times = np.arange(samples) / SAMPLING_RATE
    suppressed = np.searchsorted(edges, times) % 2 == 1
    kernel = np.hanning(SAMPLING_RATE // 2)
    gain = np.where(suppressed, _SUPPRESSED, 1.5)
    return np.convolve(gain, kernel / kernel.sum(), mode="same").astype(np.float32)


def _continuity(rng: np.random.Generator, samples: int) -> np.ndarray | float:
    """Gain of the background of a deep encephalopathy: continuous, suppressed or attenuated."""
    chance = rng.random()
    if chance < 0.2:
        return _burst_suppression(rng, samples)
    return _ATTENUATED if chance < 0.45 else 1.0


def _breach(rng: np.random.Generator, patient: Patient, samples: int) -> np.ndarray:
    """Sharp fast activity over a defect of the skull."""
    density = spectral_peak(frequency=rng.uniform(7, 14), bandwidth=3.0, rms=patient.amplitude)
    trace = coloured_noise(rng, density, shape=(1, samples))[0]
    return scalp.project(trace, scalp.lateralised_field(patient.focus, width=0.2, contralateral=0))


def _fragments(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Rhythmic or periodic activity that never lasts: 2 to 4 s of it, a few times a minute."""
    pattern = str(rng.choice(("lpd", "gpd", "lrda", "grda")))
    starts = artefacts.event_times(rng, session.seconds, per_minute=rng.uniform(1, 4))
    runs = [Episode(pattern, float(start), float(start + rng.uniform(2, 4))) for start in starts]
    return PATTERNS[pattern](rng, replace(session, episodes=tuple(runs)), patient)


def _other(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """What recordings without a pattern show beside their background."""
    samples = session.seconds * SAMPLING_RATE
    eeg = _sporadic_discharges(rng, session, patient)
    if rng.random() < 0.3:
        eeg += _focal_slowing(rng, session, patient)
    if rng.random() < _FRAGMENTS:
        eeg += _fragments(rng, session, patient)
    if rng.random() < 0.08:
        eeg += _breach(rng, patient, samples)
    return eeg


def _postictal(session: Session, samples: int) -> np.ndarray:
    """Gain of the background: attenuated after each seizure, recovering within a minute."""
    times = np.arange(samples, dtype=np.float32) / SAMPLING_RATE
    gain = np.ones(samples, np.float32)
    for seizure in session.episodes_of("seizure"):
        since = np.maximum(times - seizure.stop, 0)
        gain *= np.where(times < seizure.stop, 1, 1 - 0.65 * np.exp(-since / 15))
    return gain


def patient_background(rng: np.random.Generator, patient: Patient, samples: int) -> np.ndarray:
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


def simulate_brain(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Simulate what the brain makes, in microvolts, shape ``(19, samples)``."""
    samples = session.seconds * SAMPLING_RATE
    eeg = patient_background(rng, patient, samples)
    if patient.state == "asleep":
        eeg += simulate_sleep(rng, samples)
    if session.pattern in ("seizure", "lpd", "lrda"):
        eeg += _focal_slowing(rng, session, patient)
    if session.pattern == "other":
        eeg += _other(rng, session, patient)
    if session.pattern == "other" and patient.state == "encephalopathic":
        eeg *= _continuity(rng, samples)
    eeg *= _postictal(session, samples)
    for pattern in sorted({episode.pattern for episode in session.episodes}):
        eeg += PATTERNS[pattern](rng, session, patient)
    return eeg
