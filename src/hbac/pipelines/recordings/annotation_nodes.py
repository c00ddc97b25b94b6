"""From timelines to what people take away: events, annotation files, burden and scores."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.pipelines.recordings.timeline_params import (
    AnnotationsParams,
    BurdenParams,
    EventsParams,
    ScoringParams,
)
from hbac.timeline import (
    annotations_as_edf,
    bids_events,
    bids_sidecar,
    bids_stem,
    find_events,
    find_reference,
    join_scores,
    measure_burden,
    score_events,
    szcore_annotations,
)
from hbac.timeline.burden import BURDEN_COLUMNS
from hbac.timeline.events import EVENT_COLUMNS

logger = logging.getLogger(__name__)

RECORDING = "recording"
"""The column of a recording's id, in tables of several."""

LoadTimeline = Callable[[], pd.DataFrame]
LoadRecording = Callable[[], Any]


def _joined(tables: dict[str, pd.DataFrame], columns: Iterable[str]) -> pd.DataFrame:
    """Tables of recordings as one, with the recording's id first."""
    if not tables:
        return pd.DataFrame(columns=[RECORDING, *columns])
    named = [table.assign(**{RECORDING: name}) for name, table in tables.items()]
    return pd.concat(named, ignore_index=True)[[RECORDING, *columns]]


def find_recording_events(timelines: dict[str, LoadTimeline], params: EventsParams) -> pd.DataFrame:
    """Join the steps of every timeline into events.

    Args:
        timelines: by recording, a callable that reads its timeline.
        params: when a pattern is an event.

    Returns:
        ``recording``, and the columns of ``hbac.timeline.find_events``; a row an event.
    """
    definition = params.definition()
    found = {name: find_events(load(), definition) for name, load in timelines.items()}
    events = _joined(found, EVENT_COLUMNS)
    logger.info("%d events in %d recordings", len(events), len(timelines))
    return events


def _by_recording(events: pd.DataFrame, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Events of each recording, also of those that have none."""
    groups = dict(iter(events.groupby(RECORDING)))
    return {
        name: groups.get(name, events[:0]).drop(columns=RECORDING).reset_index(drop=True)
        for name in names
    }


def _stems(names: Iterable[str]) -> dict[str, str]:
    """What files of each recording are called; BIDS names end otherwise, where that is unique."""
    stems = {name: bids_stem(name) for name in names}
    times = Counter(stems.values())
    return {name: stem if times[stem] == 1 else name for name, stem in stems.items()}


def _named(events: pd.DataFrame, names: Iterable[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Of each recording the id, what its files are called, and its events."""
    tables = _by_recording(events, names)
    stems = _stems(tables)
    return ((name, stems[name], table) for name, table in tables.items())


def write_bids_events(
    events: pd.DataFrame, timelines: dict[str, LoadTimeline]
) -> tuple[dict[str, Callable[[], str]], dict[str, Callable[[], dict[str, Any]]]]:
    """Lay each recording's events out after BIDS.

    Args:
        events: as ``find_recording_events`` returns them.
        timelines: by recording; each gets files, also one without events.

    Returns:
        By recording, callables that return the text of an ``_events.tsv``, and the description of
        its columns.
    """
    tables = {stem: partial(bids_events, table) for _, stem, table in _named(events, timelines)}
    return tables, dict.fromkeys(tables, bids_sidecar)


def _szcore(events: pd.DataFrame, load_timeline: LoadTimeline, load: LoadRecording) -> str:
    recording = load()
    seizure = load_timeline()[PREDICTION_COLUMNS[0]].to_numpy(float)
    known = seizure[~np.isnan(seizure)]
    return szcore_annotations(
        events,
        duration=recording.duration,
        start=recording.start,
        background_confidence=1 - known.max() if known.size else np.nan,
    )


def write_szcore_annotations(
    events: pd.DataFrame,
    timelines: dict[str, LoadTimeline],
    recordings: dict[str, LoadRecording],
) -> dict[str, Callable[[], str]]:
    """Lay each recording's seizures out as SzCORE has them.

    Args:
        events: as ``find_recording_events`` returns them.
        timelines: by recording, a callable that reads its timeline.
        recordings: by recording, a callable that opens it.

    Returns:
        By recording, a callable that returns the text of its annotation file.
    """
    return {
        stem: partial(_szcore, table, timelines[name], recordings[name])
        for name, stem, table in _named(events, timelines)
    }


def _edf(events: pd.DataFrame, load: LoadRecording, with_channels: bool) -> bytes:
    recording = load()
    labels = {entry.channel: entry.label for entry in recording.card.channels}
    return annotations_as_edf(
        events, start=recording.start, labels=labels if with_channels else None
    )


def write_edf_annotations(
    events: pd.DataFrame,
    timelines: dict[str, LoadTimeline],
    recordings: dict[str, LoadRecording],
    params: AnnotationsParams,
) -> dict[str, Callable[[], bytes]]:
    """Lay each recording's events out as an EDF+ file of annotations.

    Args:
        events: as ``find_recording_events`` returns them.
        timelines: by recording; each gets a file, also one without events.
        recordings: by recording, a callable that opens it.
        params: whether channels are named.

    Returns:
        By recording, a callable that returns the file's bytes.
    """
    return {
        stem: partial(_edf, table, recordings[name], params.edf_channels)
        for name, stem, table in _named(events, timelines)
    }


def measure_recording_burden(
    events: pd.DataFrame,
    timelines: dict[str, LoadTimeline],
    recordings: dict[str, LoadRecording],
    params: BurdenParams,
) -> pd.DataFrame:
    """Tabulate how long each pattern lasted in each recording, by hour and overall.

    Args:
        events: as ``find_recording_events`` returns them.
        timelines: by recording, a callable that reads its timeline.
        recordings: by recording, a callable that opens it.
        params: of the largest share of epochs with seizure.

    Returns:
        ``recording``, and the columns of ``hbac.timeline.measure_burden``.
    """
    rule, burdens = params.rule(), {}
    for name, table in _by_recording(events, timelines).items():
        recording = recordings[name]()
        burdens[name] = measure_burden(
            timelines[name](),
            table,
            duration=recording.duration,
            start=recording.start,
            rule=rule,
        )
    return _joined(burdens, BURDEN_COLUMNS)


def score_recordings(
    events: pd.DataFrame,
    timelines: dict[str, LoadTimeline],
    recordings: dict[str, LoadRecording],
    params: ScoringParams,
) -> pd.DataFrame:
    """Score events of recordings of which a reference says what experts saw.

    Args:
        events: as ``find_recording_events`` returns them.
        timelines: by recording; those that were read.
        recordings: by recording, a callable that opens it.
        params: what texts stand for, and when an event was found.

    Returns:
        As ``hbac.timeline.join_scores``; no row where no recording has a reference. A reference
        that cannot be read is logged and left out.
    """
    scores = []
    for name, table in _by_recording(events, timelines).items():
        recording = recordings[name]()
        try:
            reference = find_reference(recording, params.annotation_patterns)
        except ValueError as error:
            logger.error("No scores of %s: %s", name, error)
            continue
        if reference is not None:
            scores.append(
                score_events(
                    table,
                    reference,
                    recording=name,
                    duration=recording.duration,
                    rules=params.rules(),
                )
            )
    return join_scores(scores)
