"""Recordings, their timelines and events to trends, pages of EEG, and pages of HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import explain
from hbac.eeg.montage import CHAINS
from hbac.eeg.quality import mains_to_remove
from hbac.eeg.regional import N_FREQUENCIES, ROW_SECONDS
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.recordings.event_nodes import (
    LoadArray,
    LoadEvidence,
    LoadRecording,
    evidence_by_chain,
    window_around,
)
from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.page_sections import (
    Told,
    event_words,
    picture_of,
    tell_burden,
    tell_events,
    tell_file,
    tell_networks,
    tell_pages,
    tell_quality,
    tell_summary,
    tell_trend,
)
from hbac.pipelines.recordings.page_words import render_page
from hbac.pipelines.recordings.params import ReadingParams
from hbac.pipelines.reporting.words import counted
from hbac.plots import faithfulness
from hbac.plots.event import event_page
from hbac.plots.stretch import Course, days_of, stretches_of
from hbac.plots.style import message
from hbac.plots.trend import trend

LoadTable = Callable[[], pd.DataFrame]
LoadPicture = Callable[[], bytes]

_NO_EVENT = "No event was found, so there is no map to test"


def _of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of one recording."""
    return table[table["recording"] == name].reset_index(drop=True)


def _course(
    name: str,
    load: LoadRecording,
    load_power: LoadArray | None,
    load_timeline: LoadTable,
    events: pd.DataFrame,
) -> Course:
    """A recording as its hours are drawn; power that was not computed is missing."""
    recording = load()
    if load_power is None:
        rows = int(recording.duration // ROW_SECONDS)
        power = np.full((rows, len(CHAINS) * N_FREQUENCIES), np.nan, np.float32)
    else:
        power = load_power()
    return Course(name, recording.start, recording.duration, power, load_timeline(), events)


def _made_of(
    name: str,
    recordings: dict[str, LoadRecording],
    powers: dict[str, LoadArray],
    timelines: dict[str, LoadTable],
    events: pd.DataFrame,
) -> tuple[Any, ...]:
    """What ``_course`` takes, of one recording."""
    return name, recordings[name], powers.get(name), timelines[name], _of(events, name)


def _draw_trend(*made_of: Any) -> Figure:
    course = _course(*made_of)
    return trend(stretches_of(course), title=course.name)


def draw_trends(
    recordings: dict[str, LoadRecording],
    recording_spectrograms: dict[str, LoadArray],
    timelines: dict[str, LoadTable],
    events: pd.DataFrame,
) -> dict[str, Callable[[], Figure]]:
    """Draw the hours of every recording that has a timeline.

    Args:
        recordings: by id, a callable that opens the recording.
        recording_spectrograms: by id, a callable that reads its regional power.
        timelines: by id, a callable that reads its timeline.
        events: of all recordings, a row an event.

    Returns:
        By id, a callable that draws ``hbac.plots.trend.trend``.
    """
    sources = (recordings, recording_spectrograms, timelines, events)
    return {name: partial(_draw_trend, *_made_of(name, *sources)) for name in timelines}


def _draw_day(day: str, made_of: list[tuple[Any, ...]]) -> Figure:
    stretches = days_of([_course(*one) for one in made_of])[date.fromisoformat(day)]
    return trend(stretches, title=f"Recordings of {date.fromisoformat(day):%A, %d %B %Y}")


def _outline(name: str, load: LoadRecording) -> Course:
    """When a recording was made, and nothing of what it holds."""
    recording = load()
    nothing = pd.DataFrame()
    return Course(name, recording.start, recording.duration, np.empty(0), nothing, nothing)


def draw_days(
    recordings: dict[str, LoadRecording],
    recording_spectrograms: dict[str, LoadArray],
    timelines: dict[str, LoadTable],
    events: pd.DataFrame,
) -> dict[str, Callable[[], Figure]]:
    """Draw every day on which there are two recordings or more, from midnight to midnight.

    Args:
        recordings: by id, a callable that opens the recording.
        recording_spectrograms: by id, a callable that reads its regional power.
        timelines: by id, a callable that reads its timeline.
        events: of all recordings, a row an event.

    Returns:
        By date, such as ``2026-11-28``, a callable that draws ``hbac.plots.trend.trend``.
    """
    sources = (recordings, recording_spectrograms, timelines, events)
    days = days_of([_outline(name, recordings[name]) for name in timelines])
    figures = {}
    for day, stretches in days.items():
        names = sorted({course.name for one in stretches for _, course in one.courses})
        made_of = [_made_of(name, *sources) for name in names]
        figures[day.isoformat()] = partial(_draw_day, day.isoformat(), made_of)
    return figures


def _map_words(tests: dict[str, Any]) -> str:
    """What the maps are, and whether they can be trusted."""
    method = tests["method"]
    words = f"Map: {method} of the logits."
    if method in tests["failing"]:
        words += f" {method} fails the check by random weights on events of this run."
    return words


def _shown_seconds(middle: float, duration: float, seconds: float) -> tuple[float, float]:
    """A page around a moment, moved to lie inside the recording where that is long enough."""
    first = round(middle - seconds / 2)
    first = max(min(first, int(duration - seconds)), 0) if duration >= seconds else first
    return float(first), float(first + seconds)


def _draw_event(
    name: str,
    load: LoadRecording,
    load_evidence: LoadEvidence,
    event: dict[str, Any],
    step_seconds: float,
    ensemble: dict[str, Any],
    tests: dict[str, Any],
    seconds: float,
) -> Figure:
    recording, evidence, middle = load(), load_evidence(), float(event["middle_seconds"])
    row = int(np.flatnonzero(evidence["event"] == event["event"])[0])
    maps = evidence_by_chain(evidence, row, ensemble)
    window = window_around(recording, middle)
    told = Told(name, recording.card, *(pd.DataFrame(),) * 3)
    return event_page(
        window,
        maps,
        explain.shaded_stretches(maps),
        offset=middle - window.duration / 2,
        shown=_shown_seconds(middle, recording.duration, seconds),
        step=(middle - step_seconds / 2, middle + step_seconds / 2),
        start=recording.start,
        title=f"{name}: {event_words(told, event)}",
        caption=_map_words(tests),
        notch=mains_to_remove(window),
    )


def _shown_events(explained_events: pd.DataFrame, params: PageParams) -> pd.DataFrame:
    """Those of which the EEG is shown, and how their pictures are called."""
    shown = explained_events.groupby(["recording", "trial_type"]).head(params.pages_per_class)
    pictures = [
        f"{event['recording']}_{event['trial_type'].lower()}_{event['event']:04d}"
        for event in shown.to_dict("records")
    ]
    return shown.assign(picture=pictures)


def draw_event_pages(
    explained_events: pd.DataFrame,
    recordings: dict[str, LoadRecording],
    event_evidence: dict[str, LoadEvidence],
    ensemble: dict[str, Any],
    tests: dict[str, Any],
    reading: ReadingParams,
    params: PageParams,
) -> dict[str, Callable[[], Figure]]:
    """Draw the EEG around the most certain step of the most certain events of each class.

    Args:
        explained_events: as ``choose_events`` returns them, the most certain first.
        recordings: by id, a callable that opens the recording.
        event_evidence: by id, a callable that reads the maps.
        ensemble: the record that names the networks.
        tests: what the tests of the maps gave; see ``check_event_maps``.
        reading: of which the step, the seconds that a prediction speaks of.
        params: of which how many events, and how many seconds.

    Returns:
        By name, ``<recording>_<class>_<event>``, a callable that draws
        ``hbac.plots.event.event_page``.
    """
    figures = {}
    for event in _shown_events(explained_events, params).to_dict("records"):
        name = event["recording"]
        if name in event_evidence:
            figures[event["picture"]] = partial(
                _draw_event,
                name,
                recordings[name],
                event_evidence[name],
                event,
                reading.step_seconds,
                ensemble,
                tests,
                params.page_seconds,
            )
    return figures


def draw_event_tests(
    curves: pd.DataFrame,
    similarities: pd.DataFrame,
    tests: dict[str, Any],
    params: ExplainabilityParams,
) -> tuple[Figure, Figure]:
    """Draw the curves of insertion and deletion, and the check by random weights.

    Args:
        curves: mean curves; see ``check_event_maps``.
        similarities: mean similarities.
        tests: the record of the tests.
        params: of which the confidence and the threshold.

    Returns:
        The two figures; in words where there was no event.
    """
    if not tests["n_events"]:
        return message(_NO_EVENT), message(_NO_EVENT)
    sample = f"n = {counted(tests['n_events'], 'event')} of " + counted(
        tests["n_recordings"], "recording"
    )
    common = {"failing": tests["failing"], "sample": sample, "confidence": params.confidence}
    return (
        faithfulness.perturbation_curves(curves, chosen=tests["method"], **common),
        faithfulness.randomisation(
            similarities, threshold=params.randomisation.threshold, **common
        ),
    )


def _write_page(
    name: str,
    load: LoadRecording,
    load_timeline: LoadTable,
    events: pd.DataFrame,
    burden: pd.DataFrame,
    load_trend: LoadPicture,
    pages: list[tuple[dict[str, Any], LoadPicture]],
    ensemble: dict[str, Any],
    tests: dict[str, Any],
    pictures: dict[str, bytes],
    params: PageParams,
) -> str:
    told = Told(name, load().card, load_timeline(), events, burden)
    eeg = [(event, picture_of(load_page(), params.colours)) for event, load_page in pages]
    sections = [
        tell_summary(told),
        tell_trend(told, picture_of(load_trend(), params.colours)),
        tell_burden(told),
        tell_events(told, most=params.events_listed),
        tell_pages(told, eeg),
        tell_quality(told),
        tell_file(told),
        tell_networks(ensemble, tests, pictures),
    ]
    return render_page(f"Recording {name}", f"Read from `{told.card.file}`.", sections)


def write_recording_pages(
    recordings: dict[str, LoadRecording],
    timelines: dict[str, LoadTable],
    events: pd.DataFrame,
    burden: pd.DataFrame,
    explained_events: pd.DataFrame,
    trends: dict[str, LoadPicture],
    event_pages: dict[str, LoadPicture],
    ensemble: dict[str, Any],
    tests: dict[str, Any],
    curves: bytes,
    randomisation: bytes,
    params: PageParams,
) -> dict[str, Callable[[], str]]:
    """Write the page of every recording that has a timeline and a trend.

    Args:
        recordings: by id, a callable that opens the recording.
        timelines: by id, a callable that reads its timeline.
        events: of all recordings, a row an event, with their chains.
        burden: of all recordings; see ``hbac.timeline.measure_burden``.
        explained_events: as ``choose_events`` returns them.
        trends: by id, a callable that reads the picture of its hours.
        event_pages: by name, a callable that reads the picture of an event's EEG.
        ensemble: the record that names the networks.
        tests: the record of the tests of the maps.
        curves: the picture of insertion and deletion.
        randomisation: the picture of the check by random weights.
        params: how much is shown.

    Returns:
        By id, a callable that returns the page, which needs no other file.
    """
    shown = _shown_events(explained_events, params)
    pictures = {
        name: picture_of(picture, params.colours)
        for name, picture in {"curves": curves, "randomisation": randomisation}.items()
    }
    pages = {}
    for name in trends:
        of_recording = _of(shown, name).to_dict("records")
        pages[name] = partial(
            _write_page,
            name,
            recordings[name],
            timelines[name],
            _of(events, name),
            _of(burden, name),
            trends[name],
            [(one, event_pages[one["picture"]]) for one in of_recording
             if one["picture"] in event_pages],
            ensemble,
            tests,
            pictures,
            params,
        )  # fmt: skip
    return pages
