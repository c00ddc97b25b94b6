"""Events against a reference: event and sample scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from hbac.timeline.references import Reference

ALL_RECORDINGS = "all recordings"
"""The ``recording`` of counts added up."""

_RATE = 10
_SECONDS_A_DAY = 86400.0
_COUNTS = ["true_positives", "false_positives", "reference_positives", "hours"]
_KEYS = ["recording", "reference", "trial_type", "scoring"]
_RATES = ["sensitivity", "precision", "f1", "false_alarms_per_day"]
SCORE_COLUMNS = (*_KEYS, *_RATES, *_COUNTS)


@dataclass(frozen=True, kw_only=True)
class ScoringRules:
    """When an event was found. The defaults are SzCORE's (doi 10.1111/epi.18113).

    Attributes:
        tolerance_before: seconds that an event may be found before its onset.
        tolerance_after: seconds that it may be found after its end.
        least_overlap: share of an event that must be found; 0 is any.
        longest_seconds: longer events count as several.
        merge_seconds: events that are less apart count as one.
    """

    tolerance_before: float = 30.0
    tolerance_after: float = 60.0
    least_overlap: float = 0.0
    longest_seconds: float = 300.0
    merge_seconds: float = 90.0


def _spans(events: pd.DataFrame, pattern: str, duration: float) -> list[tuple[float, float]]:
    """Onsets and ends of a pattern's events in the recording; those that overlap are one."""
    chosen = events[events["trial_type"] == pattern].sort_values("onset")
    onsets = chosen["onset"].clip(0, duration)
    ends = (chosen["onset"] + chosen["duration"]).clip(0, duration)
    spans: list[tuple[float, float]] = []
    for onset, end in zip(onsets, ends, strict=True):
        if spans and onset <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((onset, end))
    return spans


def _counts(scored: EventScoring | SampleScoring) -> tuple[int, int, int, float]:
    hours = scored.numSamples / scored.fs / 3600
    return int(scored.tp), int(scored.fp), int(scored.refTrue), hours


def _with_rates(counts: pd.DataFrame) -> pd.DataFrame:
    """Scores of counts, NaN where there is nothing to divide by."""
    found, false, true, hours = (counts[name].astype(float) for name in _COUNTS)
    rates = {
        "sensitivity": found / true.replace(0, np.nan),
        "precision": found / (found + false).replace(0, np.nan),
        "f1": 2 * found / (found + false + true).where(true + false > 0),
        "false_alarms_per_day": false / (hours * 3600 / _SECONDS_A_DAY).replace(0, np.nan),
    }
    return counts.assign(**rates)[list(SCORE_COLUMNS)]


def score_events(
    events: pd.DataFrame,
    reference: Reference,
    *,
    recording: str,
    duration: float,
    rules: ScoringRules | None = None,
) -> pd.DataFrame:
    """Score the events of one recording, by ``timescoring``, which SzCORE uses.

    Args:
        events: as ``hbac.timeline.find_events`` returns them.
        reference: what experts said of the recording.
        recording: its id.
        duration: of the recording in seconds, gaps included.
        rules: when an event was found; ``ScoringRules()`` by default.

    Returns:
        For each pattern that the reference speaks of a row ``event`` and a row ``sample``, of
        seconds: ``sensitivity``, ``precision``, ``f1``, NaN where nothing is to be found, and
        ``false_alarms_per_day``, of events or of seconds; ``true_positives``, reference events
        that were found, ``false_positives``, ``reference_positives`` and ``hours``.
    """
    rules = rules or ScoringRules()
    samples = round(duration * _RATE)
    param = EventScoring.Parameters(
        toleranceStart=rules.tolerance_before,
        toleranceEnd=rules.tolerance_after,
        minOverlap=rules.least_overlap,
        maxEventDuration=rules.longest_seconds,
        minDurationBetweenEvents=rules.merge_seconds,
    )
    rows = []
    for pattern in reference.patterns:
        true, found = (
            Annotation(_spans(table, pattern, duration), _RATE, samples)
            for table in (reference.events, events)
        )
        keys = (recording, reference.source, pattern)
        rows.append((*keys, "event", *_counts(EventScoring(true, found, param))))
        rows.append((*keys, "sample", *_counts(SampleScoring(true, found))))
    return _with_rates(pd.DataFrame(rows, columns=[*_KEYS, *_COUNTS]))


def join_scores(scores: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the scores of recordings together, and add those of all of their time.

    Args:
        scores: as ``score_events`` returns them.

    Returns:
        The same rows, then a row ``all recordings`` a pattern and way of scoring, from counts
        added up; the columns alone where there is none.
    """
    tables = list(scores)
    if not tables:
        return pd.DataFrame(columns=list(SCORE_COLUMNS))
    single = pd.concat(tables, ignore_index=True)
    sums = single.groupby(["trial_type", "scoring"], sort=False)[_COUNTS].sum().reset_index()
    together = _with_rates(sums.assign(recording=ALL_RECORDINGS, reference=""))
    return pd.concat([single, together], ignore_index=True)
