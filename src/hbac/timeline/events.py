"""Events: stretches of a timeline in which one pattern goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hbac.eeg.gaps import stretches
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS

PATTERNS = CLASS_NAMES[:-1]
"""The classes that make events; ``Other`` is what is left."""

EVENT_COLUMNS = (
    "onset",
    "duration",
    "trial_type",
    "probability",
    "peak_probability",
    "peak_seconds",
    "chains",
)

NO_PATTERN = -1
_DTYPES = {name: float for name in EVENT_COLUMNS if name not in ("trial_type", "chains")}
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class EventDefinition:
    """When a pattern is an event.

    ACNS 2021 asks 10 s of an electrographic seizure, and calls rhythmic and periodic patterns of
    less "very brief" (Hirsch et al., J Clin Neurophysiol 2021;38:1-29, doi
    10.1097/WNP.0000000000000806).

    Attributes:
        begin: probability from which a pattern begins.
        go_on: probability down to which one that has begun goes on.
        shortest_seconds: shorter events are dropped.
        merge_seconds: two events of a pattern that are no further apart are one.
    """

    begin: float = 0.5
    go_on: float = 0.4
    shortest_seconds: float = 10.0
    merge_seconds: float = 10.0


def _long_holes(timeline: pd.DataFrame, readable: np.ndarray, longest: float) -> np.ndarray:
    """Steps of stretches without a prediction that no event can bridge."""
    start, stop = timeline["start_seconds"].to_numpy(), timeline["stop_seconds"].to_numpy()
    long = np.zeros(len(timeline), bool)
    for first, last in stretches(~readable):
        long[first:last] = stop[last - 1] - start[first] > longest + _ROUNDING
    return long


def _going_on(
    probabilities: np.ndarray, holes: np.ndarray, definition: EventDefinition
) -> np.ndarray:
    """Whether each pattern has begun and goes on, by hysteresis, shape ``(steps, patterns)``."""
    ends = (probabilities < definition.go_on) | holes[:, None]
    turns = np.select([probabilities >= definition.begin, ends], [1.0, 0.0], np.nan)
    # In between the thresholds, and where a step can't be read, a pattern stays what it was.
    return pd.DataFrame(turns).ffill().eq(1).to_numpy() & ~np.isnan(probabilities)


def _most_probable(probabilities: np.ndarray, going_on: np.ndarray) -> np.ndarray:
    """Of the patterns that go on at a step, the most probable one, or ``NO_PATTERN``."""
    candidates = np.where(going_on, probabilities, -np.inf)
    return np.where(going_on.any(axis=1), candidates.argmax(axis=1), NO_PATTERN)


def _bridge(owners: np.ndarray, timeline: pd.DataFrame, longest: float) -> np.ndarray:
    """Give steps of no pattern between two events of one to it, where they are close enough."""
    start, stop = timeline["start_seconds"].to_numpy(), timeline["stop_seconds"].to_numpy()
    bridged = owners.copy()
    for first, last in stretches(owners == NO_PATTERN):
        inside = first > 0 and last < len(owners)
        near = stop[last - 1] - start[first] <= longest + _ROUNDING
        if inside and near and owners[first - 1] == owners[last]:
            bridged[first:last] = owners[last]
    return bridged


def _runs(owners: np.ndarray) -> list[tuple[int, int, int]]:
    """Pattern, first step and the one after the last of each event, in their order."""
    found = [
        (pattern, first, last)
        for pattern in range(len(PATTERNS))
        for first, last in stretches(owners == pattern)
    ]
    return sorted(found, key=lambda run: run[1])


def _drop_short(owners: np.ndarray, timeline: pd.DataFrame, shortest: float) -> np.ndarray:
    start, stop = timeline["start_seconds"].to_numpy(), timeline["stop_seconds"].to_numpy()
    kept = owners.copy()
    for _, first, last in _runs(owners):
        if stop[last - 1] - start[first] < shortest - _ROUNDING:
            kept[first:last] = NO_PATTERN
    return kept


def _event(timeline: pd.DataFrame, pattern: int, first: int, last: int) -> tuple:
    steps = timeline.iloc[first:last]
    probabilities = steps[PREDICTION_COLUMNS[pattern]].to_numpy(float)
    peak = steps.iloc[np.nanargmax(probabilities)]
    onset = steps["start_seconds"].iloc[0]
    return (
        onset,
        steps["stop_seconds"].iloc[-1] - onset,
        PATTERNS[pattern],
        np.nanmean(probabilities),
        np.nanmax(probabilities),
        (peak["start_seconds"] + peak["stop_seconds"]) / 2,
        "",
    )


def find_events(timeline: pd.DataFrame, definition: EventDefinition | None = None) -> pd.DataFrame:
    """Join the steps of a timeline into events.

    A pattern begins at a step where its probability reaches ``begin``, and goes on until it falls
    below ``go_on``. A step belongs to one event at most: of the patterns that go on, to the most
    probable, since the network's classes exclude each other. So events never overlap, and their
    lengths add up to no more than the recording. Then events of one pattern with nothing but a
    short stretch of no pattern between them are joined, and what is too short is dropped. A step
    without a prediction makes no event; a run of them is bridged where it is no longer than
    ``merge_seconds``, and ends an event where it is.

    Args:
        timeline: a row a step, in order and without holes: ``start_seconds``, ``stop_seconds``
            and ``seizure_pred`` ... ``other_pred``, NaN where there is no prediction.
        definition: thresholds and lengths; ``EventDefinition()`` by default.

    Returns:
        A row an event, by its onset: ``onset`` and ``duration`` in seconds of the true clock from
        the recording's start; ``trial_type``, of ``PATTERNS``; ``probability``, the mean over its
        steps; ``peak_probability`` and ``peak_seconds``, the most certain step's and its middle;
        ``chains``, empty text, since a timeline does not tell them.
    """
    definition = definition or EventDefinition()
    probabilities = timeline[list(PREDICTION_COLUMNS[: len(PATTERNS)])].to_numpy(float)
    readable = ~np.isnan(probabilities).any(axis=1)
    holes = _long_holes(timeline, readable, definition.merge_seconds)
    owners = _most_probable(probabilities, _going_on(probabilities, holes, definition))
    owners = _bridge(owners, timeline, definition.merge_seconds)
    owners = _drop_short(owners, timeline, definition.shortest_seconds)
    owners = _bridge(owners, timeline, definition.merge_seconds)
    rows = [_event(timeline, *run) for run in _runs(owners)]
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS)).astype(_DTYPES)
