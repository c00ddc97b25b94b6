import numpy as np
import pandas as pd
import pytest
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from hbac.timeline import Reference, ScoringRules, join_scores, score_events
from hbac.timeline.scores import ALL_RECORDINGS, SCORE_COLUMNS

COLUMNS = ["onset", "duration", "trial_type"]


def events_of(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def reference_of(*rows, patterns=("Seizure",)):
    return Reference("night_events.tsv", events_of(*rows), patterns)


def scores_of(events, reference, duration=86400.0, **rules):
    table = score_events(
        events, reference, recording="night", duration=duration, rules=ScoringRules(**rules)
    )
    return table.set_index(["trial_type", "scoring"])


def test_event_and_sample_scores_of_a_day():
    # Two seizures of a minute, of which the second is found 10 s late; one false alarm of 30 s.
    reference = reference_of((1000, 60, "Seizure"), (5000, 60, "Seizure"), (9000, 60, "Seizure"))
    found = events_of((1000, 60, "Seizure"), (5010, 50, "Seizure"), (20000, 30, "Seizure"))
    scores = scores_of(found, reference)
    event = scores.loc[("Seizure", "event")]
    assert event["sensitivity"] == pytest.approx(2 / 3)
    assert event["precision"] == pytest.approx(2 / 3)
    assert event["f1"] == pytest.approx(2 / 3)
    assert event["false_alarms_per_day"] == pytest.approx(1)
    assert event["hours"] == 24
    sample = scores.loc[("Seizure", "sample")]
    assert sample["sensitivity"] == pytest.approx(110 / 180)
    assert sample["precision"] == pytest.approx(110 / 140)
    assert sample["false_alarms_per_day"] == pytest.approx(30)


def test_scores_are_those_that_timescoring_gives():
    rng = np.random.default_rng(3)
    onsets = (np.sort(rng.uniform(0, 7000, n)).round(1) for n in (6, 9))
    truth, found = (events_of(*((onset, 45.0, "Seizure") for onset in some)) for some in onsets)
    table = scores_of(found, reference_of(*truth.values.tolist()), duration=7200)

    def annotation(events):
        mask = np.zeros(72000, bool)
        for onset, duration, _ in events.values:
            mask[round(onset * 10) : round((onset + duration) * 10)] = True
        return Annotation(mask, 10)

    pairs = (("event", EventScoring), ("sample", SampleScoring))
    for name, scoring in pairs:
        theirs, ours = scoring(annotation(truth), annotation(found)), table.loc[("Seizure", name)]
        assert ours["sensitivity"] == pytest.approx(theirs.sensitivity)
        assert ours["precision"] == pytest.approx(theirs.precision)
        assert ours["f1"] == pytest.approx(theirs.f1)
        assert ours["false_alarms_per_day"] == pytest.approx(theirs.fpRate)


def test_each_pattern_that_the_reference_names_is_scored_on_its_own():
    reference = reference_of((100, 60, "LPD"), (900, 60, "GPD"), patterns=("LPD", "GPD"))
    found = events_of((100, 60, "LPD"), (2000, 60, "Seizure"), (900, 60, "LRDA"))
    scores = scores_of(found, reference, duration=3600)
    assert [name for name, scoring in scores.index if scoring == "event"] == ["LPD", "GPD"]
    assert scores.loc[("LPD", "event"), "f1"] == 1
    assert scores.loc[("GPD", "event"), "sensitivity"] == 0
    assert np.isnan(scores.loc[("GPD", "event"), "precision"])


def test_no_reference_event_leaves_false_alarms():
    scores = scores_of(events_of((100, 60, "Seizure")), reference_of(), duration=43200)
    event = scores.loc[("Seizure", "event")]
    assert np.isnan(event["sensitivity"])
    assert (event["precision"], event["false_alarms_per_day"]) == (0, 2)
    nothing = scores_of(events_of(), reference_of(), duration=43200).loc[("Seizure", "event")]
    assert np.isnan(nothing["f1"])
    assert nothing["false_alarms_per_day"] == 0


def test_a_mark_without_a_length_can_be_found():
    scores = scores_of(events_of((110, 60, "Seizure")), reference_of((100, 0, "Seizure")))
    assert scores.loc[("Seizure", "event"), "sensitivity"] == 1
    assert np.isnan(scores.loc[("Seizure", "sample"), "sensitivity"])


def test_tolerances_are_those_asked_for():
    reference, late = reference_of((100, 60, "Seizure")), events_of((200, 20, "Seizure"))
    assert scores_of(late, reference).loc[("Seizure", "event"), "sensitivity"] == 1
    strict = scores_of(late, reference, tolerance_after=30.0)
    assert strict.loc[("Seizure", "event"), "sensitivity"] == 0


def test_events_that_overlap_or_reach_past_the_end_are_those_of_the_recording():
    reference = reference_of((0, 100, "Seizure"), (20, 10, "Seizure"), (3590, 60, "Seizure"))
    sample = scores_of(events_of(), reference, duration=3600).loc[("Seizure", "sample")]
    assert sample["reference_positives"] == 110


def test_recordings_are_added_up_by_their_counts():
    first = score_events(
        events_of((100, 60, "Seizure")),
        reference_of((100, 60, "Seizure")),
        recording="a",
        duration=43200.0,
    )
    second = score_events(
        events_of((100, 60, "Seizure")),
        reference_of((900, 60, "Seizure"), (2000, 60, "Seizure"), (4000, 60, "Seizure")),
        recording="b",
        duration=43200.0,
    )
    table = join_scores([first, second])
    assert table["recording"].tolist() == ["a", "a", "b", "b", ALL_RECORDINGS, ALL_RECORDINGS]
    together = table[table["scoring"] == "event"].iloc[-1]
    assert (together["sensitivity"], together["precision"]) == (0.25, 0.5)
    assert (together["false_alarms_per_day"], together["hours"]) == (1, 24)


def test_nothing_to_score_keeps_the_columns():
    assert list(join_scores([])) == list(SCORE_COLUMNS)
