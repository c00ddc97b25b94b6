"""What the brain of a session makes: a patient's background, patterns, and what is no pattern."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import artefacts, scalp
from hbac.eeg.simulation.background import coloured_noise, spectral_peak
from hbac.eeg.simulation.families import FAMILIES
from hbac.eeg.simulation.looks import simulate_look
from hbac.eeg.simulation.patient import Patient
from hbac.eeg.simulation.sleep import simulate_sleep
from hbac.eeg.simulation.timeline import Episode

if TYPE_CHECKING:
    from hbac.eeg.simulation.session import Session

_SUPPRESSED = 0.12
_ATTENUATED = 0.3

_FRAGMENTS = 0.25
"""How often a recording without a pattern shows seconds of one."""


def _sporadic_discharges(
    rng: np.random.Generator, session: Session, patient: Patient
) -> np.ndarray:
    """Single discharges without a period, as recordings of class ``other`` may have."""
    per_minute = rng.choice([0, 0, 2, 8])
    onsets = artefacts.event_times(rng, session.seconds, per_minute=per_minute)
    return FAMILIES[session.family].sporadic(rng, session, patient, onsets)


def _focal_slowing(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Polymorphic delta over a lesion."""
    samples, rms = session.seconds * SAMPLING_RATE, rng.uniform(0.3, 1.0)
    trace = FAMILIES[session.family].slow_waves(rng, samples, rms=rms)
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
    return simulate_look(rng, replace(session, episodes=tuple(runs)), patient, pattern)


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


def simulate_brain(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Simulate what the brain makes, in microvolts, shape ``(19, samples)``."""
    samples = session.seconds * SAMPLING_RATE
    eeg = FAMILIES[session.family].background(rng, samples, patient)
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
        eeg += simulate_look(rng, session, patient, pattern)
    return eeg
