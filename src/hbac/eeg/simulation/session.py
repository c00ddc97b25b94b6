"""One continuous recording: what the brain makes, artefacts, the amplifier and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import scipy

from hbac.eeg.recording import CHANNELS, ELECTRODES, SAMPLING_RATE, Recording
from hbac.eeg.regional import COLUMNS, ROW_SECONDS, regional_spectrogram
from hbac.eeg.simulation import artefacts, scalp
from hbac.eeg.simulation.background import coloured_noise, power_law, wander
from hbac.eeg.simulation.brain import simulate_brain
from hbac.eeg.simulation.looks import simulate_look
from hbac.eeg.simulation.patient import Patient, draw_patient
from hbac.eeg.simulation.timeline import Episode, Span
from hbac.eeg.votes import CLASSES

_LOW_PASS = (40, 70)
"""Hz, at which amplifiers' settings cut."""

_OFTEN = 3
"""How many times more artefacts there are where nothing else made experts look."""

_TENSE = 0.35
_CHEWING = 0.3
_BAD_ELECTRODES = 0.06
_MACHINES = 0.02


@dataclass(frozen=True)
class Session:
    """Everything that a recording follows from; plain values only.

    Attributes:
        seed: of its noise and of its pattern's looks.
        patient_seed: of its patient's traits.
        seconds: its length.
        pattern: the class that it shows, one of ``hbac.eeg.votes.CLASSES``.
        ambiguity: 0 (textbook example) to 1: how faint the pattern is, and how little lateralised
            or symmetric.
        episodes: when it shows the pattern.
        mains_frequency: of the power line, in Hz.
        gaps: stretches without any data (NaN), in seconds.
        dead_channel: a channel without signal, or none.
        dead_is_missing: whether the dead channel is NaN, or else constant.
        family: of which its background and patterns are; see ``hbac.eeg.simulation.families``.
    """

    seed: int
    patient_seed: int
    seconds: int
    pattern: str
    ambiguity: float
    episodes: tuple[Episode, ...]
    mains_frequency: float
    gaps: tuple[Span, ...] = ()
    dead_channel: str | None = None
    dead_is_missing: bool = False
    family: Literal["anatomical", "schematic", "neural_mass"] = "anatomical"

    def episodes_of(self, pattern: str) -> tuple[Episode, ...]:
        """Return the episodes of one pattern."""
        return tuple(episode for episode in self.episodes if episode.pattern == pattern)

    def generator_of_look(self, pattern: str) -> np.random.Generator:
        """Return the source of randomness of how a pattern looks."""
        return np.random.default_rng([self.seed, 2, CLASSES.index(pattern)])


Brain = Callable[[np.random.Generator, Session, Patient], np.ndarray]
"""Makes activity of the brain, in microvolts, shape ``(19, samples)``."""


def _electrodes(rng: np.random.Generator, session: Session, samples: int) -> np.ndarray:
    """What electrodes and their reference add, in microvolts, shape (19, samples)."""
    reference = coloured_noise(rng, power_law(exponent=1.5, rms=12), shape=(1, samples))
    sensors = coloured_noise(rng, lambda _: 0.01, shape=(len(scalp.POSITIONS), samples))
    often = _OFTEN if session.pattern == "other" else 1
    eeg = reference + sensors
    eeg += artefacts.simulate_pops(rng, samples, per_minute=often * rng.uniform(0, 0.5))
    if rng.random() < _BAD_ELECTRODES * often:
        eeg += artefacts.simulate_bad_electrodes(
            rng, samples, frequency=session.mains_frequency, count=int(rng.integers(1, 4))
        )
    if rng.random() < _MACHINES * often:
        eeg += artefacts.simulate_machine(rng, samples)
    return eeg


def _extracerebral(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """What the patient adds beside the brain, in microvolts, shape (19, samples)."""
    samples = session.seconds * SAMPLING_RATE
    often = _OFTEN if session.pattern == "other" else 1
    eeg = artefacts.simulate_muscle(rng, samples, per_minute=often * rng.uniform(0.2, 1.5))
    eeg += artefacts.simulate_blinks(rng, samples, per_minute=patient.blinks)
    eeg += artefacts.simulate_gaze(rng, samples, per_minute=patient.blinks / 2)
    eeg += artefacts.simulate_movement(rng, samples, per_minute=often * rng.uniform(0, 0.4))
    if rng.random() < _TENSE:
        eeg += artefacts.simulate_tone(rng, samples, amplitude=rng.lognormal(2, 0.7))
    if session.pattern == "other" and patient.state == "awake" and rng.random() < _CHEWING:
        eeg += artefacts.simulate_chewing(rng, samples, per_minute=rng.uniform(0.5, 3))
    return eeg


def _electrocardiogram(beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    breathing = 15 * wander(rng, len(beats), seconds=2)
    noise = 4 * rng.standard_normal(len(beats), dtype=np.float32)
    return rng.choice([-1, 1]) * rng.uniform(250, 900) * beats + breathing + noise


def _amplify(data: np.ndarray, low_pass: float) -> np.ndarray:
    """Let the amplifier's low-pass act on the channels."""
    sections = scipy.signal.butter(2, low_pass, fs=SAMPLING_RATE, output="sos")
    return scipy.signal.sosfilt(sections.astype(np.float32), data).astype(np.float32)


def _damage(data: np.ndarray, session: Session) -> np.ndarray:
    """Return a copy with the session's dead channel and gaps."""
    damaged = artefacts.blank_gaps(data, session.gaps)
    if session.dead_channel is not None:
        row = CHANNELS.index(session.dead_channel)
        damaged[row] = np.nan if session.dead_is_missing else 0
    return damaged


def record(session: Session, brain: Brain, *, low_pass: float | None = None) -> Recording:
    """Record a session, with all that electrodes pick up beside the brain and all that goes wrong.

    Args:
        session: what the recording follows from, but for what the brain makes.
        brain: makes that; its generator is the session's own.
        low_pass: of the amplifier, in Hz; none leaves every sample as it was made.

    Returns:
        EEG against a common reference and EKG in microvolts, shape ``(20, seconds * 200)``,
        float32; NaN where data are missing.
    """
    streams = np.random.SeedSequence(session.seed).spawn(3)
    cerebral, extracerebral, heart = (np.random.default_rng(stream) for stream in streams)
    patient = draw_patient(session.patient_seed, session.pattern)
    samples = session.seconds * SAMPLING_RATE
    beats = artefacts.simulate_heartbeats(heart, samples, rate=patient.heart_rate)
    eeg = brain(cerebral, session, patient) + _extracerebral(extracerebral, session, patient)
    eeg += _electrodes(extracerebral, session, samples)
    eeg += scalp.project(beats, artefacts.heart_field(patient.heart_amplitude))
    data = np.vstack([eeg, _electrocardiogram(beats, heart)]).astype(np.float32)
    data += artefacts.simulate_mains(
        heart,
        samples,
        frequency=session.mains_frequency,
        amplitude=patient.mains_amplitude,
        channels=len(CHANNELS),
    )
    if low_pass is not None:
        data = _amplify(data, low_pass)
    return Recording(_damage(data, session), CHANNELS)


def simulate_session(session: Session) -> Recording:
    """Simulate a recording of 20 channels at 200 Hz.

    Args:
        session: what it follows from; equal sessions give equal samples.

    Returns:
        As ``record``.
    """
    low_pass = np.random.default_rng([session.seed, 1]).uniform(*_LOW_PASS)
    return record(session, simulate_brain, low_pass=low_pass)


def simulate_pattern(session: Session) -> Recording:
    """Simulate the pattern that a session shows alone, without the rest of the brain.

    Returns:
        Microvolts of the 19 electrodes, shape ``(19, seconds * 200)``, float32; zeros for
        ``other``.
    """
    eeg = np.zeros((len(ELECTRODES), session.seconds * SAMPLING_RATE), np.float32)
    if session.episodes_of(session.pattern):
        patient = draw_patient(session.patient_seed, session.pattern)
        rng = np.random.default_rng(session.seed)
        eeg += simulate_look(rng, session, patient, session.pattern)
    return Recording(eeg, ELECTRODES)


def simulate_excerpt(session: Session, *, start: float, seconds: float) -> Recording:
    """Simulate a recording and return ``seconds`` of it from ``start``.

    Raises:
        ValueError: if the excerpt does not lie wholly inside the recording.
    """
    excerpt = simulate_session(session).crop(start, seconds)
    return Recording(excerpt.data.copy(), excerpt.channels, excerpt.sampling_rate)


def simulate_spectrogram(session: Session) -> pd.DataFrame:
    """Simulate a recording and return its regional spectrogram as the data set's files hold it.

    Returns:
        ``time`` (1, 3, 5 ... seconds, int64) and the 400 columns of ``hbac.eeg.regional.COLUMNS``
        (power in microvolts squared a hertz, float32).
    """
    power = regional_spectrogram(simulate_session(session))
    table = pd.DataFrame(power, columns=list(COLUMNS))
    table.insert(0, "time", ROW_SECONDS * np.arange(len(power), dtype=np.int64) + 1)
    return table
