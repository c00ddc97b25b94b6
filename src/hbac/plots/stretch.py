"""Stretches of real time: which part of which recording a panel of hours shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

DAY = 24 * 3600
"""Seconds of a day, the most that a panel shows."""


@dataclass(frozen=True, eq=False)
class Course:
    """A recording as its hours are drawn; every time is seconds from its start.

    Attributes:
        name: the recording's id.
        start: when it began, by its file's clock; None where the file does not say.
        duration: seconds, gaps included.
        power: regional power, shape ``(rows, 400)``, a row every 2 s; NaN where missing.
        timeline: a row a step: ``start_seconds``, ``stop_seconds``, six predictions, ``quality``
            and ``reason``.
        events: a row an event: ``onset``, ``duration`` and ``trial_type``.
    """

    name: str
    start: datetime | None
    duration: float
    power: np.ndarray
    timeline: pd.DataFrame
    events: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Stretch:
    """What one panel shows.

    Attributes:
        first: second on the axis at the left edge.
        last: second on the axis at the right edge.
        clock: the moment of second 0 on the axis; None where only the time from the recording's
            start is known.
        courses: recordings in it, each with the second on the axis at which it begins, which may
            lie before the left edge.
    """

    first: float
    last: float
    clock: datetime | None
    courses: tuple[tuple[float, Course], ...]

    @property
    def begin(self) -> datetime | None:
        """The moment at the left edge."""
        return None if self.clock is None else self.clock + timedelta(seconds=self.first)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time())


def _end(course: Course) -> datetime:
    return course.start + timedelta(seconds=course.duration)


def stretches_of(course: Course) -> list[Stretch]:
    """Cut a recording into what its panels show.

    Up to 24 h are one stretch. What is longer gets a stretch a day, from midnight to midnight, or
    by 24 h from its start where it is not known when it began; each is a whole day long, so that
    hours stand below one another.

    Args:
        course: of any length.

    Returns:
        One or more, in order.
    """
    if course.duration <= DAY:
        return [Stretch(0.0, course.duration, course.start, ((0.0, course),))]
    if course.start is None:
        n_days = int(np.ceil(course.duration / DAY))
        return [
            Stretch(DAY * day, DAY * (day + 1), None, ((0.0, course),)) for day in range(n_days)
        ]
    midnight = _midnight(course.start)
    offset = (course.start - midnight).total_seconds()
    n_days = int(np.ceil((offset + course.duration) / DAY))
    return [
        Stretch(0.0, DAY, midnight + timedelta(days=day), ((offset - DAY * day, course),))
        for day in range(n_days)
    ]


def _touches(course: Course, day: date) -> bool:
    return course.start.date() <= day and _end(course) > datetime.combine(day, time())


def _lanes(courses: Sequence[Course]) -> list[list[Course]]:
    """Share recordings out so that none overlaps another of its lane, the earliest first."""
    lanes: list[list[Course]] = []
    for course in sorted(courses, key=lambda one: (one.start, one.name)):
        free = (lane for lane in lanes if _end(lane[-1]) <= course.start)
        lane = next(free, None)
        if lane is None:
            lanes.append([course])
        else:
            lane.append(course)
    return lanes


def days_of(courses: Iterable[Course]) -> dict[date, list[Stretch]]:
    """Gather the recordings of each day, from midnight to midnight.

    Recordings that follow one another share a stretch; those that overlap get stretches of their
    own, since a patient has one EEG at a time.

    Args:
        courses: those of which it is not known when they began are left out.

    Returns:
        By day, of those that hold two recordings or more, its stretches.
    """
    known = [course for course in courses if course.start is not None]
    days = {
        course.start.date() + timedelta(days=k)
        for course in known
        for k in range((_end(course).date() - course.start.date()).days + 1)
    }
    found = {}
    for day in sorted(days):
        of_day = [course for course in known if _touches(course, day)]
        if len(of_day) > 1:
            midnight = datetime.combine(day, time())
            found[day] = [
                Stretch(
                    0.0,
                    DAY,
                    midnight,
                    tuple(((one.start - midnight).total_seconds(), one) for one in lane),
                )
                for lane in _lanes(of_day)
            ]
    return found
