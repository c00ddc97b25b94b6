"""Progress of long work: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich import get_console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

logger = logging.getLogger(__name__)
T = TypeVar("T")
_SECONDS_BETWEEN_LINES = 10.0


class _SpeedColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """Return what the column shows."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} a second")


def _log_lines(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last > _SECONDS_BETWEEN_LINES or done == total:
            last, rate = now, done / max(now - start, 1e-9)
            left = (total - done) / rate
            logger.info(
                "%s: %d of %d, %.1f a second, %.0f s left", description, done, total, rate, left
            )


def track(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Yield the items while their progress is shown.

    Args:
        items: what to pass on.
        total: how many there are.
        description: what is being done, such as ``train_eegs``.
    """
    if not get_console().is_terminal:
        yield from _log_lines(items, total, description)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        yield from progress.track(items, total=total, description=description)
