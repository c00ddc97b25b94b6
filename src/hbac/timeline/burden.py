"""Burden: how much of the time that could be read a pattern takes up."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASS_NAMES
from hbac.timeline.coverage import UNREAD, Coverage, step_patterns
from hbac.timeline.events import PATTERNS
from hbac.timeline.peaks import Peak, PeakRule, peak_within, seizure_shares
from hbac.timeline.prevalence import prevalence_word

OVERALL = "overall"
"""The period that is the whole recording."""

BURDEN_COLUMNS = (
    "period",
    "start_seconds",
    "stop_seconds",
    "readable_minutes",
    "unreadable_minutes",
    "trial_type",
    "minutes",
    "share",
    "prevalence",
    "peak_share",
    "peak_start_seconds",
    "peak_level",
)

_HOUR, _MINUTE = 3600.0, 60.0


class _Period(NamedTuple):
    name: str
    start: float
    stop: float


def _hours(start: datetime | None, duration: float) -> list[_Period]:
    """Hours by the clock, or from the start where that is not known; the ends may be shorter."""
    clock, into_hour = None, 0.0
    if start is not None:
        clock = start.replace(minute=0, second=0, microsecond=0)
        into_hour = (start - clock).total_seconds()
    periods = []
    for number in range(ceil((duration + into_hour) / _HOUR)):
        name = f"hour {number + 1}"
        if clock is not None:
            name = f"{clock + timedelta(hours=number):%Y-%m-%d %H:00}"
        edges = (number * _HOUR - into_hour, (number + 1) * _HOUR - into_hour)
        periods.append(_Period(name, max(edges[0], 0.0), min(edges[1], duration)))
    return periods


def measure_burden(
    timeline: pd.DataFrame,
    events: pd.DataFrame,
    *,
    duration: float,
    start: datetime | None = None,
    rule: PeakRule | None = None,
) -> pd.DataFrame:
    """Tabulate how long each pattern lasted, by hour and overall.

    Time is counted by the recording's events, so that minutes here are the lengths of events
    there, less what in them could not be read. Time without a prediction is out of every share:
    gaps, stretches that cannot be read or that the network abstains from, and what is left of the
    recording after the last step; it is stated as ``unreadable_minutes``.

    Args:
        timeline: a row a step; see ``hbac.timeline.find_events``.
        events: those of this timeline.
        duration: of the recording in seconds, gaps included.
        start: when the recording began; hours are then those of the clock, and else count from
            the start.
        rule: of the largest share of epochs with seizure in any 5 minutes.

    Returns:
        A row a period and class, ``overall`` first: ``period``; its ``start_seconds`` and
        ``stop_seconds``; ``readable_minutes`` and ``unreadable_minutes``; ``trial_type``, the
        patterns and ``Other``; ``minutes``; ``share`` of the readable time, NaN where there is
        none; ``prevalence`` in ACNS 2021's words; and, of seizures, ``peak_share``, the largest
        share of epochs with seizure in any 5 minutes that end in the period,
        ``peak_start_seconds``, where those begin, and ``peak_level``; NaN and empty where the
        period has no 5 minutes that can be read.
    """
    rule = rule or PeakRule()
    patterns = step_patterns(timeline, events)
    readable = Coverage(timeline, patterns != UNREAD)
    covered = {name: Coverage(timeline, patterns == name) for name in CLASS_NAMES}
    shares = seizure_shares(timeline, patterns, rule)
    rows = []
    for period in [_Period(OVERALL, 0.0, duration), *_hours(start, duration)]:
        edges = period.start, period.stop
        read = float(readable.between(*edges))
        missing = period.stop - period.start - read
        for name in CLASS_NAMES:
            seconds = float(covered[name].between(*edges))
            share = seconds / read if read > 0 else np.nan
            peak = peak_within(shares, *edges, rule) if name == PATTERNS[0] else Peak()
            minutes = (read / _MINUTE, missing / _MINUTE, name, seconds / _MINUTE)
            rows.append((*period, *minutes, share, prevalence_word(share), *peak))
    return pd.DataFrame(rows, columns=list(BURDEN_COLUMNS))
