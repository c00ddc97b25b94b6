"""Planted evidence: recordings whose class is decided by one chain and one stretch of seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE, Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.simulation.anatomical import anatomical_background
from hbac.eeg.simulation.discharges import DISCHARGE_SECONDS
from hbac.eeg.simulation.looks import simulate_look
from hbac.eeg.simulation.patient import Patient, draw_patient
from hbac.eeg.simulation.session import Session, record
from hbac.eeg.simulation.timeline import Episode, Span

LOCAL_PATTERNS = ("seizure", "lpd", "lrda")
"""The patterns that one chain alone can show."""

OWN_ELECTRODES = {chain: electrodes[1:-1] for chain, electrodes in CHAINS.items()}
"""The electrodes that each chain shares with no other."""


@dataclass(frozen=True)
class PlantedEvidence:
    """Everything that a recording with planted evidence follows from; plain values only.

    Attributes:
        seed: of its patient, its noise and its pattern's looks.
        pattern: one of ``LOCAL_PATTERNS``, or ``other``, for which nothing is planted.
        chain: LL, RL, LP or RP.
        seconds: start and stop of the pattern in the recording's own time, in seconds.
        duration: length of the recording in seconds. 600 and more hold the 10-minute window.
        mains_frequency: of the power line, in Hz.

    Raises:
        ValueError: if pattern or chain is unknown, or the stretch is shorter than 2 s or does not
            lie inside the recording.
    """

    seed: int
    pattern: str
    chain: str
    seconds: Span
    duration: int = 600
    mains_frequency: float = 60.0

    def __post_init__(self) -> None:
        for name, known in (("pattern", (*LOCAL_PATTERNS, "other")), ("chain", tuple(CHAINS))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, received {getattr(self, name)!r}")
        start, stop = self.seconds
        if not 0 <= start <= stop - 2 <= self.duration - 2:
            raise ValueError(
                f"seconds must be a stretch of 2 s or more between 0 and {self.duration}, "
                f"received {self.seconds}"
            )

    @property
    def window_start(self) -> float:
        """Where the 50-s EEG window in the middle of the recording starts, in seconds."""
        return (self.duration - WINDOW_SECONDS) / 2


def _session(planted: PlantedEvidence) -> Session:
    # The pattern's name decides about artefacts, of which ``other`` has more. Here nothing but the
    # planted pattern may tell the classes apart, so all have the same name.
    return Session(
        seed=planted.seed,
        patient_seed=planted.seed,
        seconds=planted.duration,
        pattern=LOCAL_PATTERNS[0],
        ambiguity=0.0,
        episodes=(),
        mains_frequency=planted.mains_frequency,
    )


def _stretch(planted: PlantedEvidence, samples: int) -> np.ndarray:
    """The pattern from its start to its stop, shape ``(19, samples)``."""
    rng = np.random.default_rng([planted.seed, 1])
    patient = draw_patient(planted.seed, LOCAL_PATTERNS[0])
    focus = str(rng.choice(OWN_ELECTRODES[planted.chain]))
    # A discharge outlasts its onset, so that the last must begin some time before the stop.
    tail = DISCHARGE_SECONDS if planted.pattern == "lpd" else 0.0
    episode = Episode(planted.pattern, 0.0, samples / SAMPLING_RATE - tail)
    session = replace(_session(planted), seconds=-(-samples // SAMPLING_RATE), episodes=(episode,))
    moved = replace(patient, focus=focus)
    return simulate_look(rng, session, moved, planted.pattern)[:, :samples]


def planted_pattern(planted: PlantedEvidence) -> Recording:
    """Simulate the planted pattern alone, without the rest of the recording.

    It has the looks and the size of a clear example of its class, but only the electrodes that
    the chain shares with no other see it, so that in the bipolar montage the others are flat.

    Args:
        planted: what it follows from.

    Returns:
        Microvolts of the 19 electrodes, shape ``(19, duration * 200)``, float32.
    """
    data = np.zeros((len(ELECTRODES), planted.duration * SAMPLING_RATE), np.float32)
    if planted.pattern != "other":
        first, last = (round(second * SAMPLING_RATE) for second in planted.seconds)
        rows = [ELECTRODES.index(name) for name in OWN_ELECTRODES[planted.chain]]
        data[rows, first:last] = _stretch(planted, last - first)[rows]
    return Recording(data, ELECTRODES)


def simulate_planted(planted: PlantedEvidence) -> Recording:
    """Simulate a recording with a pattern in one chain and one stretch of seconds alone.

    The rest is the ongoing activity, the artefacts and the noise of a patient without a lesion:
    neither focal slowing, single discharges, burst suppression nor attenuation after a seizure.
    Recordings that differ in nothing but the pattern, the chain or the seconds share all of it.

    Args:
        planted: what it follows from; equal values give equal samples.

    Returns:
        EEG against a common reference and EKG in microvolts, shape ``(20, duration * 200)``,
        float32.
    """

    def brain(rng: np.random.Generator, session: Session, patient: Patient) -> np.ndarray:
        background = anatomical_background(rng, session.seconds * SAMPLING_RATE, patient)
        return background + planted_pattern(planted).data

    return record(_session(planted), brain)


def _draw_stretch(rng: np.random.Generator, lengths: Span, duration: int, within: float) -> Span:
    """A stretch anywhere inside so many seconds in the middle of the recording."""
    length = rng.uniform(*lengths)
    start = (duration - within) / 2 + rng.uniform(0, within - length)
    return round(start, 1), round(start + length, 1)


def plan_planted(
    n: int,
    *,
    seed: int,
    duration: int = 600,
    patterns: Sequence[str] = LOCAL_PATTERNS,
    lengths: Span = (10.0, 20.0),
    within: float = WINDOW_SECONDS,
) -> list[PlantedEvidence]:
    """Plan recordings with planted evidence, all pairs of pattern and chain as often as can be.

    Args:
        n: number of recordings.
        seed: of the plan and of every recording in it.
        duration: length of each in seconds, 50 or more.
        patterns: which of ``LOCAL_PATTERNS`` and ``other``.
        lengths: shortest and longest stretch in seconds, from 2 to ``within``.
        within: seconds in the middle of the recording, in which a stretch lies anywhere.

    Returns:
        The plans, in random order.

    Raises:
        ValueError: if ``duration``, ``lengths`` or ``within`` are out of range.
    """
    if duration < WINDOW_SECONDS:
        raise ValueError(f"duration must be {WINDOW_SECONDS} s or more, received {duration}")
    if not 0 < within <= WINDOW_SECONDS:
        raise ValueError(f"within must be above 0 and at most {WINDOW_SECONDS}, received {within}")
    if not 2 <= lengths[0] <= lengths[1] <= within:
        raise ValueError(f"lengths must increase from 2 to {within:g}, received {lengths}")
    rng = np.random.default_rng(seed)
    pairs = list(product(patterns, CHAINS))
    order = [pairs[k] for _ in range(-(-n // len(pairs))) for k in rng.permutation(len(pairs))]
    seeds = rng.choice(2**31, size=n, replace=False)
    return [
        PlantedEvidence(int(own), *pair, _draw_stretch(rng, lengths, duration, within), duration)
        for own, pair in zip(seeds, order, strict=False)
    ]
