"""When a pattern is there: runs, pauses and seizures over a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.votes import CLASSES

Span = tuple[float, float]
"""Start and stop in seconds."""

_RUN_SECONDS = {"lpd": (80, 300), "gpd": (80, 300), "lrda": (40, 150), "grda": (40, 150)}
_PAUSE_SECONDS = (4, 14)
_SEIZURE_SECONDS = (55, 115)
_POSTICTAL_SECONDS = 12
_UNDER_WAY = (18, 32)
"""Seconds of a span that its seizure covers; experts are asked about 20 to 30 first."""


@dataclass(frozen=True)
class Episode:
    """A stretch in which a pattern is there.

    Attributes:
        pattern: one of ``hbac.eeg.votes.CLASSES`` but ``other``.
        start: its start in seconds from the start of the recording, below 0 where it had begun
            before.
        stop: its end in seconds, past the recording's where it goes on.
    """

    pattern: str
    start: float
    stop: float


def _draw_runs(rng: np.random.Generator, pattern: str, seconds: float) -> tuple[Episode, ...]:
    """Runs with short pauses: the pattern is abundant or continuous in the ACNS terms."""
    shortest, longest = _RUN_SECONDS[pattern]
    start, runs = -rng.uniform(0, shortest), []
    while start < seconds:
        stop = start + rng.uniform(shortest, longest)
        runs.append(Episode(pattern, float(start), float(stop)))
        start = stop + rng.uniform(*_PAUSE_SECONDS)
    return tuple(runs)


def _draw_seizures(
    rng: np.random.Generator, spans: Sequence[Span], end: float, *, ongoing: bool
) -> tuple[Episode, ...]:
    """One seizure in each span, that starts in its first 20 s and ends before the next span.

    An ongoing one may have started before, but for what is left of the seizure before it.
    """
    latest, until = _UNDER_WAY
    limits = [*(start - _POSTICTAL_SECONDS for start, _ in spans[1:]), end]
    free, seizures = -np.inf, []
    for (first, _), limit in zip(spans, limits, strict=True):
        moment, seconds = rng.random(), rng.uniform(*_SEIZURE_SECONDS)
        earliest = until - seconds if ongoing else 2
        start = max(first + earliest + (latest - earliest) * moment, free)
        stop = min(start + seconds, limit)
        seizures.append(Episode("seizure", float(start), float(stop)))
        free = stop + _POSTICTAL_SECONDS
    return tuple(seizures)


def _between(seizures: Sequence[Episode], begin: float, end: float) -> tuple[Episode, ...]:
    """Periodic discharges of the same focus wherever there is no seizure nor its aftermath."""
    starts = [begin, *(seizure.stop + _POSTICTAL_SECONDS for seizure in seizures)]
    stops = [*(seizure.start for seizure in seizures), end]
    pairs = zip(starts, stops, strict=True)
    return tuple(Episode("lpd", start, stop) for start, stop in pairs if stop - start > 5)


def _within(episode: Episode, seconds: float) -> Episode:
    """The part of an episode that lies in a recording."""
    return replace(episode, start=max(episode.start, 0.0), stop=min(episode.stop, float(seconds)))


def draw_episodes(
    rng: np.random.Generator,
    pattern: str,
    seconds: float,
    *,
    spans: Sequence[Span],
    ongoing: bool = False,
) -> tuple[Episode, ...]:
    """Draw when a pattern is there.

    Periodic and rhythmic patterns come in runs with pauses of 4 to 14 s. There is a seizure in
    each of ``spans``, of 55 to 115 s; in half of the recordings with seizures there are LPDs
    between them.

    Args:
        rng: source of randomness.
        pattern: one of ``hbac.eeg.votes.CLASSES``.
        seconds: length of the recording.
        spans: stretches that experts will look at, in order, start and stop in seconds.
        ongoing: whether episodes may have begun before the recording and outlast it, as where it
            is cut from a longer one. Each span then shows the beginning, the middle or the end of
            a seizure, seconds 18 to 32 of it included.

    Returns:
        Episodes; none for ``other``.

    Raises:
        ValueError: if the pattern is not one of the six classes.
    """
    if pattern not in CLASSES:
        raise ValueError(f"pattern must be one of {CLASSES}, received {pattern!r}")
    if pattern == "other":
        return ()
    if pattern != "seizure":
        runs = _draw_runs(rng, pattern, seconds)
        return runs if ongoing else tuple(_within(run, seconds) for run in runs)
    begin, end = (-np.inf, np.inf) if ongoing else (0.0, float(seconds))
    seizures = _draw_seizures(rng, spans, end, ongoing=ongoing)
    return seizures + (_between(seizures, begin, end) if rng.random() < 0.5 else ())


def coverage(episodes: Sequence[Episode], start: float, stop: float) -> np.ndarray:
    """Share of a stretch that each class takes, what no episode takes being ``other``.

    Args:
        episodes: episodes that do not overlap.
        start: start of the stretch in seconds.
        stop: its end in seconds.

    Returns:
        Shares that sum to 1, shape ``(6,)``, in the order of ``CLASSES``.
    """
    shares = np.zeros(len(CLASSES))
    for episode in episodes:
        overlap = min(stop, episode.stop) - max(start, episode.start)
        shares[CLASSES.index(episode.pattern)] += max(overlap, 0) / (stop - start)
    shares[CLASSES.index("other")] = 1 - shares.sum()
    return shares


def presence(episodes: Sequence[Episode], samples: int, *, ramp: float) -> np.ndarray:
    """Envelope of episodes: 1 inside, 0 outside, with a ramp of ``ramp`` seconds at either end.

    Returns:
        Shape ``(samples,)``, float32.
    """
    times = np.arange(samples, dtype=np.float32) / SAMPLING_RATE
    ramps = [np.minimum(times - episode.start, episode.stop - times) for episode in episodes]
    highest = np.max([np.zeros_like(times), *ramps], axis=0)
    return np.clip(highest / ramp, 0, 1).astype(np.float32)
