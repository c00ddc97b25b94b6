"""What each step of a timeline counts as, and how much of a period chosen steps take up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbac.eeg.gaps import stretches
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS

UNREAD = ""
"""What a step without a prediction counts as."""


def step_patterns(timeline: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """Say of each step what it counts as.

    Args:
        timeline: a row a step; see ``hbac.timeline.find_events``.
        events: those of the recording.

    Returns:
        Names, shape ``(steps,)``: the event's ``trial_type``, ``Other`` outside of events, and
        empty where there is no prediction, within an event, too.
    """
    patterns = np.full(len(timeline), CLASS_NAMES[-1], dtype=object)
    middle = timeline[["start_seconds", "stop_seconds"]].mean(axis=1).to_numpy()
    spans = events[["onset", "duration", "trial_type"]]
    for onset, duration, name in spans.itertuples(index=False):
        patterns[(middle > onset) & (middle < onset + duration)] = name
    patterns[timeline[list(PREDICTION_COLUMNS)].isna().any(axis=1).to_numpy()] = UNREAD
    return patterns


class Coverage:
    """Seconds of chosen steps between two moments.

    Args:
        timeline: a row a step, in order and without holes.
        chosen: which steps count, shape ``(steps,)``, bool.
    """

    def __init__(self, timeline: pd.DataFrame, chosen: np.ndarray):
        runs = stretches(chosen)
        starts = timeline["start_seconds"].to_numpy(float)[runs[:, 0]]
        stops = timeline["stop_seconds"].to_numpy(float)[runs[:, 1] - 1]
        self._moments = np.stack([starts, stops], axis=1).ravel()
        self._before = np.stack([np.zeros_like(starts), stops - starts], axis=1).ravel().cumsum()

    def between(self, start: np.ndarray | float, stop: np.ndarray | float) -> np.ndarray:
        """Count the seconds from ``start`` to ``stop``, of one period or of many."""
        if not len(self._moments):
            return np.zeros(np.shape(start))
        first, last = (np.interp(edge, self._moments, self._before) for edge in (start, stop))
        return last - first
