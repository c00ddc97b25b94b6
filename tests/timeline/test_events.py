import numpy as np
import pytest

from hbac.timeline import EventDefinition, find_events

from .timelines import timeline_of


def spans(events):
    return [(row.trial_type, row.onset, row.onset + row.duration) for row in events.itertuples()]


def test_a_pattern_begins_at_one_threshold_and_goes_on_to_the_other():
    timeline = timeline_of(seizure=[0.1, 0.45, 0.6, 0.45, 0.4, 0.39, 0.45, 0.1])
    events = find_events(timeline)
    assert spans(events) == [("Seizure", 20, 50)]
    event = events.iloc[0]
    assert event["probability"] == pytest.approx((0.6 + 0.45 + 0.4) / 3)
    assert (event["peak_probability"], event["peak_seconds"]) == (0.6, 25)
    assert event["chains"] == ""


def test_a_pattern_of_all_steps_is_one_event_of_the_whole_recording():
    assert spans(find_events(timeline_of(gpd=[0.9] * 6))) == [("GPD", 0, 60)]


def test_nothing_makes_no_event_and_the_table_keeps_its_columns():
    events = find_events(timeline_of(seizure=[0.49] * 5))
    assert events.empty
    assert list(events)[:3] == ["onset", "duration", "trial_type"]
    assert events["onset"].dtype == float
    assert find_events(timeline_of(seizure=[])).empty
    assert find_events(timeline_of(seizure=[None, None])).empty


def test_other_is_no_event():
    assert find_events(timeline_of(other=[0.9] * 5)).empty


def test_events_of_a_pattern_are_joined_up_to_the_merge_length():
    apart = timeline_of(lpd=[0.8, 0.0, 0.8, 0.0, 0.0, 0.8])
    assert spans(find_events(apart)) == [("LPD", 0, 30), ("LPD", 50, 60)]
    joined = find_events(apart, EventDefinition(merge_seconds=20))
    assert spans(joined) == [("LPD", 0, 60)]
    assert joined["probability"].item() == pytest.approx(0.4)
    assert len(find_events(apart, EventDefinition(merge_seconds=0))) == 3


def test_unreadable_steps_make_no_event_and_bridge_none_beyond_the_merge_length():
    timeline = timeline_of(seizure=[None, 0.9, None, 0.9, None, None, 0.9, None])
    events = find_events(timeline)
    assert spans(events) == [("Seizure", 10, 40), ("Seizure", 60, 70)]
    assert events["probability"].tolist() == pytest.approx([0.9, 0.9])


def test_a_pattern_is_still_going_on_after_a_short_unreadable_stretch_and_not_after_a_long_one():
    short = timeline_of(seizure=[0.6, None, 0.45])
    assert spans(find_events(short)) == [("Seizure", 0, 30)]
    long = timeline_of(seizure=[0.6, None, None, 0.45])
    assert spans(find_events(long)) == [("Seizure", 0, 10)]


def test_events_shorter_than_asked_are_dropped_after_they_were_joined():
    timeline = timeline_of(5.0, seizure=[0.9, 0.0, 0.9, 0.0, 0.0, 0.0, 0.9, 0.0])
    assert spans(find_events(timeline)) == [("Seizure", 0, 15)]
    shorter = EventDefinition(shortest_seconds=5, merge_seconds=5)
    assert spans(find_events(timeline, shorter)) == [("Seizure", 0, 15), ("Seizure", 30, 35)]


def test_a_step_belongs_to_the_most_probable_pattern_that_goes_on():
    timeline = timeline_of(seizure=[0.6, 0.42, 0.42, 0.1], lpd=[0.3, 0.52, 0.41, 0.41])
    assert spans(find_events(timeline)) == [
        ("Seizure", 0, 10),
        ("LPD", 10, 20),
        ("Seizure", 20, 30),
        ("LPD", 30, 40),
    ]


def test_an_event_is_not_joined_across_another_pattern_unless_that_is_dropped():
    timeline = timeline_of(seizure=[0.9, 0.9, 0.0, 0.9, 0.9], gpd=[0.0, 0.0, 0.9, 0.0, 0.0])
    assert [kind for kind, *_ in spans(find_events(timeline))] == ["Seizure", "GPD", "Seizure"]
    longer = EventDefinition(shortest_seconds=20)
    assert spans(find_events(timeline, longer)) == [("Seizure", 0, 50)]


def test_events_never_overlap_and_come_in_their_order():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([0.3] * 6, size=2000).T
    names = ("seizure", "lpd", "gpd", "lrda", "grda")
    timeline = timeline_of(**dict(zip(names, shares, strict=False)))
    timeline.loc[rng.random(2000) < 0.1, timeline.columns[2:8]] = np.nan
    events = find_events(timeline)
    stops = (events["onset"] + events["duration"]).to_numpy()
    assert len(events) > 100
    assert (events["onset"].to_numpy()[1:] >= stops[:-1] - 1e-9).all()
    assert (events["duration"] >= 10).all()
