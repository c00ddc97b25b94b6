"""One continuous recording: a patient's background, a pattern, artefacts and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hbac.eeg.recording import CHANNELS, ELECTRODES, SAMPLING_RATE, Recording
from hbac.eeg.regional import COLUMNS, ROW_SECONDS, regional_spectrogram
from hbac.eeg.simulation import artefacts, patterns, scalp
from hbac.eeg.simulation.background import (
    coloured_noise,
    power_law,
    simulate_background,
    spectral_peak,
    wander,
)
from hbac.eeg.simulation.patient import Patient, draw_patient
from hbac.eeg.simulation.timeline import Episode, Span, presence

_SUPPRESSED = 0.12


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

    def episodes_of(self, pattern: str) -> tuple[Episode, ...]:
        """Return the episodes of one pattern."""
        return tuple(episode for episode in self.episodes if episode.pattern == pattern)


Brain = Callable[[np.random.Generator, Session, Patient], np.ndarray]
"""Makes activity of the brain, in microvolts, shape ``(19, samples)``."""


def _lateralised(session: Session, patient: Patient, *, width: float) -> np.ndarray:
    contralateral = 0.05 + 0.5 * session.ambiguity
    return scalp.lateralised_field(patient.focus, width=width, contralateral=contralateral)


def _generalised(rng: np.random.Generator, session: Session) -> np.ndarray:
    return scalp.generalised_field(
        inclination=rng.uniform(70, 100),
        posterior=rng.uniform(0.1, 0.3),
        asymmetry=0.6 * session.ambiguity * rng.choice([-1, 1]),
    )


def _loudness(rng: np.random.Generator, session: Session, patient: Patient) -> float:
    """Factor by which a pattern stands above its typical height, larger in large backgrounds."""
    clarity = 1 - 0.5 * session.ambiguity
    return clarity * (patient.amplitude / 10) ** 0.5 * rng.lognormal(0, 0.2)


def _lpd(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    samples = session.seconds * SAMPLING_RATE
    field = _lateralised(session, patient, width=rng.uniform(0.45, 0.7))
    phases = (patterns.BIPHASIC, patterns.POLYPHASIC)[rng.integers(2)]
    return patterns.simulate_periodic_discharges(
        rng,
        presence(session.episodes_of("lpd"), samples, ramp=0.5),
        frequency=rng.uniform(0.6, 1.6) + 0.5 * session.ambiguity,
        jitter=rng.uniform(0.08, 0.2),
        phases=phases,
        field=150 * _loudness(rng, session, patient) * field,
    )


def _gpd(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    samples = session.seconds * SAMPLING_RATE
    phases = patterns.TRIPHASIC if rng.random() < 0.6 else patterns.BIPHASIC
    field = _generalised(rng, session)
    return patterns.simulate_periodic_discharges(
        rng,
        presence(session.episodes_of("gpd"), samples, ramp=0.5),
        frequency=rng.uniform(0.7, 1.9),
        jitter=rng.uniform(0.06, 0.16),
        phases=phases,
        field=190 * _loudness(rng, session, patient) * field,
        delays=scalp.front_to_back_delays(rng.uniform(0.0, 0.12)),
    )


def _lrda(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    samples = session.seconds * SAMPLING_RATE
    field = _lateralised(session, patient, width=rng.uniform(0.45, 0.7))
    return patterns.simulate_rhythmic_delta(
        rng,
        presence(session.episodes_of("lrda"), samples, ramp=2),
        frequency=rng.uniform(1.2, 2.8),
        field=75 * _loudness(rng, session, patient) * field,
        sharpness=rng.uniform(0.1, 0.4),
    )


def _grda(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    samples = session.seconds * SAMPLING_RATE
    field = _generalised(rng, session)
    return patterns.simulate_rhythmic_delta(
        rng,
        presence(session.episodes_of("grda"), samples, ramp=2),
        frequency=rng.uniform(1.2, 2.8),
        field=105 * _loudness(rng, session, patient) * field,
        sharpness=rng.uniform(0.1, 0.4),
        delays=scalp.front_to_back_delays(rng.uniform(0.0, 0.08)),
    )


def _seizures(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """All seizures of a session: alike in focus and frequency, as a patient's seizures are."""
    eeg = np.zeros((len(scalp.POSITIONS), session.seconds * SAMPLING_RATE), np.float32)
    height = 100 * _loudness(rng, session, patient)
    local = _lateralised(session, patient, width=0.5)
    spread = scalp.lateralised_field(
        patient.focus, width=0.9, contralateral=float(rng.uniform(0.1, 0.7))
    )
    course = {"onset": rng.uniform(2, 3.5), "peak": rng.uniform(5, 8), "offset": rng.uniform(1, 2)}
    angles = np.arccos(np.clip(scalp.POSITIONS @ scalp.electrode_position(patient.focus), -1, 1))
    for episode in session.episodes_of("seizure"):
        first, last = (round(t * SAMPLING_RATE) for t in (episode.start, episode.stop))
        eeg[:, first:last] = patterns.simulate_seizure(
            rng,
            last - first,
            **course,
            local_field=height * local,
            spread_field=height * spread,
            delays=0.012 * angles,
        )
    return eeg


PATTERNS: dict[str, Brain] = {
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
    per_minute = rng.choice([0, 2, 8])
    onsets = artefacts.event_times(rng, session.seconds, per_minute=per_minute)
    trace = patterns.discharge_train(rng, onsets, samples, phases=patterns.BIPHASIC)
    field = _lateralised(session, patient, width=0.6)
    return scalp.project(trace, 100 * _loudness(rng, session, patient) * field)


def _focal_slowing(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """Polymorphic delta over a lesion."""
    density = spectral_peak(frequency=1.2, bandwidth=0.7, rms=rng.uniform(0.3, 1.0))
    trace = coloured_noise(rng, density, shape=(1, session.seconds * SAMPLING_RATE))[0]
    field = scalp.lateralised_field(patient.focus, width=0.6, contralateral=0.0)
    return scalp.project(trace, patient.amplitude * field)


def _suppression(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Gain of a burst-suppression background: bursts of 1-4 s, suppression for 2-8 s."""
    pairs = rng.uniform([1, 2], [4, 8], (samples // (3 * SAMPLING_RATE) + 1, 2))
    edges = np.cumsum(pairs.ravel())
    times = np.arange(samples) / SAMPLING_RATE
    suppressed = np.searchsorted(edges, times) % 2 == 1
    kernel = np.hanning(SAMPLING_RATE // 2)
    gain = np.where(suppressed, _SUPPRESSED, 1.5)
    return np.convolve(gain, kernel / kernel.sum(), mode="same").astype(np.float32)


def _postictal(session: Session, samples: int) -> np.ndarray:
    """Gain of the background: attenuated after each seizure, recovering within a minute."""
    times = np.arange(samples, dtype=np.float32) / SAMPLING_RATE
    gain = np.ones(samples, np.float32)
    for seizure in session.episodes_of("seizure"):
        since = np.maximum(times - seizure.stop, 0)
        gain *= np.where(times < seizure.stop, 1, 1 - 0.65 * np.exp(-since / 15))
    return gain


def _cerebral(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """What the brain makes, in microvolts, shape (19, samples)."""
    samples = session.seconds * SAMPLING_RATE
    eeg = simulate_background(
        rng,
        samples,
        exponent=patient.exponent,
        amplitude=patient.amplitude,
        posterior_frequency=patient.posterior_frequency,
        slowing=patient.slowing,
    )
    if session.pattern in ("seizure", "lpd", "lrda"):
        eeg += _focal_slowing(rng, session, patient)
    if session.pattern == "other" and rng.random() < 0.25:
        eeg *= _suppression(rng, samples)
    if session.pattern == "other":
        eeg += _sporadic_discharges(rng, session, patient)
    eeg *= _postictal(session, samples)
    for pattern in sorted({episode.pattern for episode in session.episodes}):
        eeg += PATTERNS[pattern](rng, session, patient)
    return eeg


def _extracerebral(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
    """What electrodes pick up beside the brain, in microvolts, shape (19, samples)."""
    samples = session.seconds * SAMPLING_RATE
    often = 4 if session.pattern == "other" else 1
    reference = coloured_noise(rng, power_law(exponent=1.5, rms=12), shape=(1, samples))
    sensors = coloured_noise(rng, lambda _: 0.01, shape=(len(scalp.POSITIONS), samples))
    return (
        reference
        + sensors
        + artefacts.simulate_muscle(rng, samples, per_minute=often * rng.uniform(0.2, 1.5))
        + artefacts.simulate_blinks(rng, samples, per_minute=often**0.5 * patient.blinks)
        + artefacts.simulate_pops(rng, samples, per_minute=often * rng.uniform(0, 0.5))
    )


def _electrocardiogram(beats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    breathing = 15 * wander(rng, len(beats), seconds=2)
    noise = 4 * rng.standard_normal(len(beats), dtype=np.float32)
    return rng.choice([-1, 1]) * rng.uniform(250, 900) * beats + breathing + noise


def _damage(data: np.ndarray, session: Session) -> np.ndarray:
    """Return a copy with the session's dead channel and gaps."""
    damaged = artefacts.blank_gaps(data, session.gaps)
    if session.dead_channel is not None:
        row = CHANNELS.index(session.dead_channel)
        damaged[row] = np.nan if session.dead_is_missing else 0
    return damaged


def record(session: Session, brain: Brain) -> Recording:
    """Record a session, with all that electrodes pick up beside the brain and all that goes wrong.

    Args:
        session: what the recording follows from, but for what the brain makes.
        brain: makes that; its generator is the session's own.

    Returns:
        EEG against a common reference and EKG in microvolts, shape ``(20, seconds * 200)``,
        float32; NaN where data are missing.
    """
    streams = np.random.SeedSequence(session.seed).spawn(3)
    cerebral, extracerebral, heart = (np.random.default_rng(stream) for stream in streams)
    patient = draw_patient(session.patient_seed)
    samples = session.seconds * SAMPLING_RATE
    beats = artefacts.simulate_heartbeats(heart, samples, rate=patient.heart_rate)
    eeg = brain(cerebral, session, patient) + _extracerebral(extracerebral, session, patient)
    eeg += scalp.project(beats, artefacts.heart_field(patient.heart_amplitude))
    data = np.vstack([eeg, _electrocardiogram(beats, heart)]).astype(np.float32)
    data += artefacts.simulate_mains(
        heart,
        samples,
        frequency=session.mains_frequency,
        amplitude=patient.mains_amplitude,
        channels=len(CHANNELS),
    )
    return Recording(_damage(data, session), CHANNELS)


def simulate_session(session: Session) -> Recording:
    """Simulate a recording of 20 channels at 200 Hz.

    Args:
        session: what it follows from; equal sessions give equal samples.

    Returns:
        As ``record``.
    """
    return record(session, _cerebral)


def simulate_pattern(session: Session) -> Recording:
    """Simulate the pattern that a session shows alone, without the rest of the brain.

    Returns:
        Microvolts of the 19 electrodes, shape ``(19, seconds * 200)``, float32; zeros for
        ``other``.
    """
    eeg = np.zeros((len(ELECTRODES), session.seconds * SAMPLING_RATE), np.float32)
    if session.episodes_of(session.pattern):
        rng = np.random.default_rng(session.seed)
        eeg += PATTERNS[session.pattern](rng, session, draw_patient(session.patient_seed))
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
