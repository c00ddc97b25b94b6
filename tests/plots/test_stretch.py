from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from hbac.plots.stretch import DAY, days_of, stretches_of
from tests.plots.courses import START, course


def test_what_fits_a_day_is_one_stretch_whatever_the_clock():
    (night,) = stretches_of(course(6 * 3600))
    assert (night.first, night.last, night.clock) == (0, 6 * 3600, START)
    (unknown,) = stretches_of(course(DAY, start=None))
    assert (unknown.first, unknown.last, unknown.clock) == (0, DAY, None)


def test_longer_recordings_are_cut_at_midnight():
    days = stretches_of(course(30 * 3600))
    assert [day.begin for day in days] == [datetime(2030, 3, 9), datetime(2030, 3, 10),
                                           datetime(2030, 3, 11)]  # fmt: skip
    assert {(day.first, day.last) for day in days} == {(0, DAY)}
    begin = 21 * 3600 + 14 * 60 + 5
    assert [offset for day in days for offset, _ in day.courses] == [begin, begin - DAY,
                                                                     begin - 2 * DAY]  # fmt: skip


def test_without_a_clock_days_count_from_the_start():
    days = stretches_of(course(30 * 3600, start=None))
    assert [(day.first, day.last, day.clock) for day in days] == [(0, DAY, None),
                                                                  (DAY, 2 * DAY, None)]  # fmt: skip


def at(hour, name, hours=2, day=9):
    return course(hours * 3600, name=name, start=datetime(2030, 3, day, hour))


def names(stretches):
    return [[one.name for _, one in stretch.courses] for stretch in stretches]


def test_recordings_that_follow_one_another_share_a_stretch_and_others_do_not():
    days = days_of([at(8, "c"), at(1, "a"), at(2, "b"), at(3, "d", hours=5)])
    assert list(days) == [date(2030, 3, 9)]
    assert names(days[date(2030, 3, 9)]) == [["a", "d", "c"], ["b"]]
    first = days[date(2030, 3, 9)][0]
    assert [offset for offset, _ in first.courses] == [3600, 3 * 3600, 8 * 3600]
    assert (first.first, first.last, first.clock) == (0, DAY, datetime(2030, 3, 9))


def test_a_recording_past_midnight_belongs_to_both_days():
    days = days_of([at(22, "night", hours=4), at(1, "early"), at(5, "later", day=10)])
    assert {day: names(found) for day, found in days.items()} == {
        date(2030, 3, 9): [["early", "night"]],
        date(2030, 3, 10): [["night", "later"]],
    }


def test_a_recording_alone_or_without_a_clock_makes_no_day():
    alone, unknown = course(600), course(600, start=None)
    assert days_of([alone, unknown]) == {}
    until_midnight = at(22, "late")
    assert timedelta(seconds=until_midnight.duration) == timedelta(hours=2)
    assert days_of([until_midnight, at(1, "next", day=10)]) == {}


@pytest.mark.parametrize("start", [START, None])
def test_each_second_lies_in_one_stretch(start):
    long = course(50 * 3600, start=start)
    spans = [
        (max(day.first - offset, 0), min(day.last - offset, long.duration))
        for day in stretches_of(long)
        for offset, _ in day.courses
    ]
    assert spans[0][0] == 0
    assert spans[-1][1] == long.duration
    assert all(before[1] == after[0] for before, after in pairwise(spans))
