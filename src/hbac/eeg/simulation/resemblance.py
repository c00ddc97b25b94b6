"""What a pattern may be taken for: the terminology's questions, in doubt where a limit is near.

Whoever names a pattern by the ACNS terminology answers four questions: does it stand out of the
background, is it a seizure, is it lateralised or generalised, and do its waves stand apart
(periodic) or follow each other (rhythmic)? Each has a limit that is stated (2.5 discharges a
second) or agreed on, and experts differ about what lies near it: about a discharge that returns 2.3
times a second otherwise than about one that is somewhat larger on the left (Hirsch et al.,
"American Clinical Neurophysiology Society's Standardized Critical Care EEG Terminology: 2021
Version", J. Clin. Neurophysiol. 38, 2021). How soft the limits are is stylised.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
import scipy

from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import scalp
from hbac.eeg.simulation.appearance import Deflection, Ictal, Look, Periodic, Rhythmic
from hbac.eeg.simulation.experts import opinion
from hbac.eeg.simulation.looks import draw_look
from hbac.eeg.simulation.patient import draw_patient
from hbac.eeg.simulation.seizures import seizure_frequency, seizure_height, spread_of_seizure
from hbac.eeg.simulation.timeline import Episode, coverage
from hbac.eeg.votes import CLASSES

if TYPE_CHECKING:
    from hbac.eeg.simulation.session import Session

_SEEN = 3.5
"""Height of a pattern that half of the experts see, over the root mean square of the background,
which has some five times that from peak to peak itself."""

_ICTAL_RATE = 2.5
"""Hz: discharges that are faster for 10 s are a seizure."""

_ICTAL_RHYTHM = 3.5
"""Hz, near the upper limit of delta, from which a rhythm without spikes is taken for a seizure."""

_EVOLUTION = 0.4
"""How often a seizure's evolution alone is seen, however slow it is."""

_LATERALISED = 0.3
"""Difference of left and right over their sum from which more experts say lateralised:
one side nearly twice as large as the other."""

_FILLED = 0.8
"""Share of a period that a discharge takes up from which the interval to the next, which a periodic
pattern must have, is hardly seen."""

_ABOVE = 0.15
"""A discharge lasts while it is above this share of its peak."""


def _yes(value: float, limit: float, softness: float) -> float:
    """How many experts say that a value is beyond a limit."""
    return float(scipy.special.expit((value - limit) / softness))


def _named(*, seen: float, seizure: float, lateralised: float, periodic: float) -> np.ndarray:
    """Shares of the six classes from the answers to the four questions."""
    left = seen * (1 - seizure)
    focal, diffuse = left * lateralised, left * (1 - lateralised)
    return np.array(
        [
            seen * seizure,
            focal * periodic,
            diffuse * periodic,
            focal * (1 - periodic),
            diffuse * (1 - periodic),
            1 - seen,
        ]
    )


def stands_out(height: float, background: float) -> float:
    """How many experts see a pattern.

    Args:
        height: of the pattern, from peak to peak where it is largest, in microvolts.
        background: root mean square of the background in a bipolar channel, in microvolts.

    Returns:
        0 to 1.
    """
    return _yes(np.log(height / background), np.log(_SEEN), 0.3)


def laterality(field: np.ndarray) -> float:
    """Difference of a field's sizes in the left and the right chains over their sum, 0 to 1."""
    sizes = scalp.bipolar_amplitudes(field)[:16].reshape(len(CHAINS), -1).sum(axis=1)
    left, right = (
        sum(s for s, c in zip(sizes, CHAINS, strict=True) if c[0] == side) for side in "LR"
    )
    return float(abs(left - right) / (left + right))


def discharge_seconds(phases: Sequence[Deflection]) -> float:
    """How long a discharge lasts, from the first to the last that stands out of it."""
    waveform = np.abs(sum(phase.waveform() for phase in phases))
    above = np.flatnonzero(waveform > _ABOVE * waveform.max())
    return float(np.ptp(above) + 1) / SAMPLING_RATE


def _size(field: np.ndarray) -> float:
    return float(scalp.bipolar_amplitudes(field).max())


@singledispatch
def resemblance(look: Look, *, background: float, progress: float) -> np.ndarray:
    """How many experts would call a pattern each class, by its looks alone.

    Args:
        look: of the pattern.
        background: root mean square of the background in a bipolar channel, in microvolts.
        progress: 0 at the onset of a seizure to 1 at its end; of no matter to other patterns.

    Returns:
        Shares that sum to 1, shape ``(6,)``, in the order of ``CLASSES``.
    """
    raise TypeError(f"look must be of one of the patterns, received {look!r}")


@resemblance.register
def _(look: Periodic, *, background: float, progress: float) -> np.ndarray:
    field = look.fields.sum(axis=0)
    return _named(
        seen=stands_out(_size(field), background),
        seizure=_yes(look.rate, _ICTAL_RATE, 0.25),
        lateralised=_yes(laterality(field), _LATERALISED, 0.08),
        periodic=1 - _yes(discharge_seconds(look.phases) * look.rate, _FILLED, 0.1),
    )


@resemblance.register
def _(look: Rhythmic, *, background: float, progress: float) -> np.ndarray:
    field = look.fields.sum(axis=0)
    limit, softness = (_ICTAL_RATE, 0.25) if look.spikes else (_ICTAL_RHYTHM, 0.4)
    return _named(
        seen=stands_out(_size(field), background),
        seizure=_yes(look.rate, limit, softness),
        lateralised=_yes(laterality(field), _LATERALISED, 0.08),
        periodic=_yes(look.spikes + look.sharpness, 0.8, 0.2),
    )


@resemblance.register
def _(look: Ictal, *, background: float, progress: float) -> np.ndarray:
    frequency = float(seizure_frequency(np.array(progress), **_rates(look.course)))
    spread = float(spread_of_seizure(progress))
    field = (1 - spread) * look.local + spread * look.spread
    sharpness = look.course["sharpness"] * progress**0.5
    return _named(
        seen=stands_out(_size(field) * float(seizure_height(progress)), background),
        seizure=1 - (1 - _EVOLUTION) * (1 - _yes(frequency, 2.2, 0.3)),
        lateralised=_yes(laterality(field), _LATERALISED, 0.08),
        periodic=_yes(sharpness, 1.5, 0.7),
    )


def _rates(course: dict[str, float]) -> dict[str, float]:
    return {name: course[name] for name in ("onset", "peak", "offset")}


def _progress(episodes: Sequence[Episode], start: float, stop: float) -> float:
    """How much of the longest episode in a stretch is over, in the middle of what is seen of it."""
    seen = [(max(start, each.start), min(stop, each.stop)) for each in episodes]
    longest = int(np.argmax([last - first for first, last in seen]))
    episode, middle = episodes[longest], np.mean(seen[longest])
    return float(np.clip((middle - episode.start) / (episode.stop - episode.start), 0, 1))


def likeness(session: Session, start: float, stop: float) -> np.ndarray:
    """What each pattern of a session is taken for in one stretch of it.

    Args:
        session: of which episodes and looks.
        start: start of the stretch that experts look at, in seconds.
        stop: its end in seconds.

    Returns:
        Shape ``(6, 6)``, true class in rows, called class in columns. Textbook examples, of
        ambiguity 0, are called what they are, and so is what the stretch does not show.
    """
    called = np.eye(len(CLASSES))
    if session.ambiguity == 0:
        return called
    patient = draw_patient(session.patient_seed, session.pattern)
    there = [each for each in session.episodes if each.start < stop and each.stop > start]
    for pattern in {episode.pattern for episode in there}:
        called[CLASSES.index(pattern)] = resemblance(
            draw_look(session, patient, pattern),
            background=patient.amplitude,
            progress=_progress([each for each in there if each.pattern == pattern], start, stop),
        )
    return called


def expert_opinion(session: Session, start: float, stop: float) -> np.ndarray:
    """Probability with which an expert calls a stretch of a session each class, shape ``(6,)``."""
    shares = coverage(session.episodes, start, stop) @ likeness(session, start, stop)
    return opinion(shares, ambiguity=session.ambiguity)
