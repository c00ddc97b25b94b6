"""Lengths and moments of a recording as its page words them, and the frame of such pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version

from hbac.plots.event import clock_words
from hbac.report import Document, Section, render

_MINUTE, _HOUR = 60, 3600


def length(seconds: float) -> str:
    """A length of time: ``45 s``, ``3 min 7 s``, ``26 h 5 min``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.3g} s"
    if whole < _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes} min" + f" {rest} s" * bool(rest)
    hours, minutes = divmod(round(whole / _MINUTE), 60)
    return f"{hours} h" + f" {minutes} min" * bool(minutes)


def moment(start: datetime | None, second: float, duration: float) -> str:
    """Name a moment of a recording, with its date where the recording lasts past midnight."""
    words = clock_words(start, second)
    if start is None or start.toordinal() == _last_day(start, duration):
        return words
    day = datetime.fromordinal(start.toordinal() + int((_seconds(start) + second) // 86400))
    return f"{day:%d %b} {words}"


def _seconds(start: datetime) -> float:
    return (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def _last_day(start: datetime, duration: float) -> int:
    return start.toordinal() + int((_seconds(start) + duration) // 86400)


def started(start: datetime | None) -> str:
    """Say when a recording began."""
    if start is None:
        return "the file does not say when it began"
    return f"from {start:%d %B %Y, %H:%M:%S}, by the file's clock"


def render_page(title: str, subtitle: str, sections: Iterable[Section]) -> str:
    """Join sections to a page; those without blocks are left out."""
    now = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    document = Document(
        title=title,
        subtitle=f"{subtitle} Written on {now} by hbac {version('hbac')}. Research; not a medical "
        "device.",
        sections=[section for section in sections if section.blocks],
        footer="Written by `kedro run --pipeline recordings`. Everything that is shown here is in "
        "this one file; nothing is loaded from elsewhere.",
    )
    return render(document)
