"""The page of several recordings: a row each, with a link to its own page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.page_sections import (
    RESEARCH,
    SEIZURE,
    picture_of,
    unread_reasons,
)
from hbac.pipelines.recordings.page_words import length, render_page
from hbac.pipelines.reporting.words import NONE, counted, number, percent
from hbac.report import Block, FigureBlock, Link, Notice, Paragraph, Section, Table
from hbac.timeline.burden import OVERALL

PAGES = "recordings"
"""Folder of the recordings' own pages, beside this one."""

_HEADER = ("recording", "began", "lasts", "readable", "seizure, min", "events", "worst")

_CAPTION = (
    "Readable: share of the recording with a prediction. Seizure: minutes in events. Worst: the "
    "longest stretch without a prediction, and why."
)


def _unbroken(text: str) -> str:
    """Words that stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _worst(timeline: pd.DataFrame) -> str:
    """The longest stretch without a prediction."""
    reasons = unread_reasons(timeline)
    if reasons.empty:
        return NONE
    longest = reasons.loc[reasons["longest"].idxmax()]
    return f"{length(longest['longest'])}: {longest['reason']}"


def _row(
    name: str, recording: Any, timeline: pd.DataFrame, burden: pd.DataFrame, n_events: int
) -> tuple[str | Link, ...]:
    overall = burden[burden["period"] == OVERALL].set_index("trial_type")
    seizure = overall.loc[SEIZURE]
    read, unread = seizure["readable_minutes"], seizure["unreadable_minutes"]
    start = recording.start
    began = NONE if start is None else f"{_unbroken(f'{start:%d %b %Y}')}, {start:%H:%M}"
    return (
        Link(name, f"{PAGES}/{quote(name)}.html"),
        began,
        _unbroken(length(recording.duration)),
        percent(read / (read + unread) if read + unread else None),
        number(seizure["minutes"], 1),
        f"{n_events:,}",
        _worst(timeline),
    )


def _tell_recordings(
    recordings: dict[str, Callable[[], Any]],
    timelines: dict[str, Callable[[], pd.DataFrame]],
    events: pd.DataFrame,
    burden: pd.DataFrame,
    names: list[str],
) -> list[Block]:
    counts = events["recording"].value_counts()
    rows = [
        _row(
            name,
            recordings[name](),
            timelines[name](),
            burden[burden["recording"] == name],
            int(counts.get(name, 0)),
        )
        for name in names
    ]
    caption = f"{_CAPTION} n = {counted(len(rows), 'recording')}."
    return [Table(caption, _HEADER, rows, frozenset({3, 4, 5}))] if rows else []


def _tell_refused(refused: pd.DataFrame, recordings: dict[str, Any]) -> list[Block]:
    """Files that could not be read, and why, without the folders that they lie in."""
    if refused.empty:
        return []
    rows = []
    for name, reason in zip(refused["partition"], refused["reason"], strict=True):
        path = getattr(recordings.get(name), "path", name)
        rows.append((name, reason.replace(path, Path(path).name)))
    text = f"{counted(len(rows), 'file')} could not be read; the table says why."
    caption = f"Files that were refused or set aside. n = {counted(len(rows), 'file')}."
    return [Notice(text, "warning"), Table(caption, ("file", "why"), rows)]


def _tell_days(day_trends: dict[str, Callable[[], bytes]], colours: int | None) -> list[Block]:
    """Days on which there are several recordings."""
    return [
        FigureBlock(
            picture_of(load(), colours),
            f"Power, probabilities and events of the recordings of {day}, by the clock.",
            f"{date.fromisoformat(day):%A, %d %B %Y}, from midnight to midnight. Recordings that "
            "overlap stand below one another; whether they are of one patient no file says.",
        )
        for day, load in day_trends.items()
    ]


def write_index(
    recordings: dict[str, Callable[[], Any]],
    timeline_failures: pd.DataFrame,
    timelines: dict[str, Callable[[], pd.DataFrame]],
    events: pd.DataFrame,
    burden: pd.DataFrame,
    recording_reports: dict[str, Callable[[], str]],
    day_trends: dict[str, Callable[[], bytes]],
    params: PageParams,
) -> str:
    """Write the page that leads to those of all recordings.

    Args:
        recordings: by id, a callable that opens the recording.
        timeline_failures: files that were refused or set aside: ``partition`` and ``reason``.
        timelines: by id, a callable that reads its timeline.
        events: of all recordings, a row an event.
        burden: of all recordings.
        recording_reports: by id, those that have a page.
        day_trends: by date, a callable that reads the picture of a day.
        params: of which the colours of pictures.

    Returns:
        The page: recordings in the order of their ids, files that were refused, and days with
        several recordings.
    """
    told = _tell_recordings(recordings, timelines, events, burden, list(recording_reports))
    refused = _tell_refused(timeline_failures, recordings)
    nothing = [] if told else [Notice("No recording could be read.", "warning")]
    sections = [
        Section("recordings", "Recordings", [*told, *nothing, Paragraph(RESEARCH)]),
        Section("refused", "Not read", refused),
        Section("days", "Days", _tell_days(day_trends, params.colours)),
    ]
    subtitle = f"{counted(len(recording_reports), 'recording')} read."
    return render_page("Recordings", subtitle, sections)
