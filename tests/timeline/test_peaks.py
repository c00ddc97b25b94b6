import numpy as np
import pytest

from hbac.timeline import PeakRule, find_events
from hbac.timeline.coverage import step_patterns
from hbac.timeline.peaks import Peak, peak_within, seizure_shares

from .timelines import timeline_of


def shares_of(seizure, rule=None, step=10.0):
    timeline = timeline_of(step, seizure=seizure)
    return seizure_shares(timeline, step_patterns(timeline, find_events(timeline)), rule)


def test_share_of_epochs_in_every_five_minutes():
    # 6 of 40 epochs, of which the fullest 5 minutes hold all.
    shares = shares_of([0.0] * 10 + [0.9] * 6 + [0.0] * 24)
    assert shares["start_seconds"].tolist() == list(range(0, 110, 10))
    assert (shares["stop_seconds"] - shares["start_seconds"] == 300).all()
    assert shares["share"].to_numpy() == pytest.approx(np.full(11, 6 / 30))


@pytest.mark.parametrize(
    ("epochs", "level"),
    [(2, "< 10%"), (3, ">= 10%"), (14, ">= 10%"), (15, ">= 50%"), (26, ">= 50%"), (27, ">= 90%")],
)
def test_levels_are_reached_at_30_seconds_two_and_a_half_and_four_and_a_half_minutes(epochs, level):
    shares = shares_of([0.9] * epochs + [0.0] * (60 - epochs))
    peak = peak_within(shares, 0, 600, PeakRule())
    assert peak == (pytest.approx(epochs / 30), 0, level)


def test_epochs_that_can_not_be_read_are_no_epochs():
    shares = shares_of([None] * 12 + [0.9] * 9 + [0.0] * 9)
    assert shares["share"].tolist() == [pytest.approx(0.5)]


def test_too_little_that_can_be_read_has_no_share():
    seizure = [None] * 16 + [0.9] * 14
    assert np.isnan(shares_of(seizure)["share"]).all()
    assert peak_within(shares_of(seizure), 0, 300, PeakRule()).level == ""
    assert shares_of(seizure, PeakRule(least_readable=0.4))["share"].tolist() == [1.0]
    assert np.isnan(shares_of([None] * 30, PeakRule(least_readable=0))["share"]).all()


def test_less_than_five_minutes_has_no_peak():
    shares = shares_of([0.9] * 29)
    assert shares.empty
    assert np.isnan(peak_within(shares, 0, 290, PeakRule()).share)
    assert Peak().level == ""


def test_a_peak_is_that_of_five_minutes_that_end_in_the_period():
    shares = shares_of([0.9] * 15 + [0.0] * 45)
    assert peak_within(shares, 0, 300, PeakRule()).share == pytest.approx(0.5)
    later = peak_within(shares, 300, 600, PeakRule())
    assert later == (pytest.approx(14 / 30), 10, ">= 10%")


def test_steps_of_another_length_are_counted_in_epochs_of_ten_seconds():
    # 5 s steps: seizure in the first half of an epoch is half of it, and counts.
    halves = shares_of([0.9, 0.0] * 30, PeakRule(), step=5.0)
    assert halves["share"].tolist() == [1.0]
    # 20 s steps hold two epochs each.
    long = shares_of([0.9] * 3 + [0.0] * 12, PeakRule(), step=20.0)
    assert long["share"].tolist() == [pytest.approx(6 / 30)]
