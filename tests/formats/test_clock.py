from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbac.formats.clock import Gap, gaps_between, lay_out


def records(onsets, seconds=1):
    return lay_out(onsets, range(len(onsets)), len(onsets), Fraction(seconds))


def test_records_that_follow_each_other_are_one_stretch():
    (stretch,) = records(range(5000))
    assert (stretch.start, stretch.seconds, stretch.first) == (0, 5000, 0)


def test_a_gap_keeps_the_true_clock():
    stretches = records([0, 1, 5, 6, 7, 20])
    assert [(each.start, each.stop, each.first) for each in stretches] == [
        (0, 2, 0),
        (5, 8, 2),
        (20, 21, 5),
    ]
    assert gaps_between(stretches) == (Gap(2, 5), Gap(8, 20))


def test_rounded_onsets_are_no_gaps_but_a_drift_that_adds_up_is_followed():
    assert len(records([0, 1.004, 1.996, 3.003])) == 1
    drifting = records([1.004 * number for number in range(10)])
    assert [each.start for each in drifting] == pytest.approx([0, 3.012, 6.024, 9.036])
    assert sum(gap.stop - gap.start for gap in gaps_between(drifting)) == pytest.approx(0.036)


def test_a_clock_set_right_cuts_what_was_before():
    stretches = records([0, 1, 1.5, 2.5])
    assert [(each.start, each.seconds) for each in stretches] == [(0, Fraction(3, 2)), (1.5, 2)]
    assert gaps_between(stretches) == ()


@pytest.mark.parametrize("onsets", [[0, 1, 0.5, 4], [0, 10, 5, 6], [0, 0, 0]])
def test_records_that_overlap_or_run_backwards_are_named(onsets):
    with pytest.raises(ValueError, match=r"record \d starts at .* s, before record \d ends at"):
        records(onsets, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_every_record_lies_where_its_onset_says(pauses):
    onsets = [sum(pauses[: k + 1]) - pauses[0] + k for k in range(len(pauses))]
    stretches = records(onsets)
    placed = [each.start + second for each in stretches for second in range(int(each.seconds))]
    assert placed == onsets
    lost = sum(gap.stop - gap.start for gap in gaps_between(stretches))
    assert lost + len(onsets) == stretches[-1].stop
