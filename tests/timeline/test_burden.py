from datetime import datetime

import numpy as np
import pytest

from hbac.timeline import find_events, measure_burden

from .timelines import timeline_of

HOUR = 360


def burden_of(timeline, duration, **options):
    table = measure_burden(timeline, find_events(timeline), duration=duration, **options)
    return table.set_index(["period", "trial_type"])


def test_minutes_shares_and_words_of_an_hour():
    # Half an hour of GPD, 3 minutes of seizure, and the rest nothing.
    timeline = timeline_of(
        gpd=[0.8] * 180 + [0.0] * 180, seizure=[0.0] * 200 + [0.9] * 18 + [0.0] * 142
    )
    burden = burden_of(timeline, 3600)
    assert list(dict.fromkeys(burden.index.get_level_values("period"))) == ["overall", "hour 1"]
    for period in ("overall", "hour 1"):
        gpd, seizure = burden.loc[(period, "GPD")], burden.loc[(period, "Seizure")]
        assert (gpd["minutes"], gpd["share"], gpd["prevalence"]) == (30, 0.5, "abundant")
        assert (seizure["minutes"], seizure["prevalence"]) == (pytest.approx(3), "occasional")
        assert burden.loc[(period, "Other"), "minutes"] == pytest.approx(27)
        assert burden.loc[(period, "LRDA"), "prevalence"] == "absent"
        assert (seizure["readable_minutes"], seizure["unreadable_minutes"]) == (60, 0)
        assert seizure["peak_share"] == pytest.approx(18 / 30)
        assert seizure["peak_level"] == ">= 50%"
        assert np.isnan(gpd["peak_share"])


def test_time_that_can_not_be_read_is_out_of_the_denominator_and_stated():
    timeline = timeline_of(lpd=[None] * 180 + [0.9] * 90 + [0.0] * 90)
    lpd = burden_of(timeline, 3600).loc[("overall", "LPD")]
    assert (lpd["minutes"], lpd["share"]) == (15, 0.5)
    assert (lpd["readable_minutes"], lpd["unreadable_minutes"]) == (30, 30)


def test_a_bridged_stretch_that_can_not_be_read_counts_in_no_pattern():
    timeline = timeline_of(seizure=[0.9, None, 0.9, 0.0, 0.0, 0.0])
    assert find_events(timeline)["duration"].tolist() == [30]
    seizure = burden_of(timeline, 60).loc[("overall", "Seizure")]
    assert (seizure["minutes"], seizure["share"]) == (pytest.approx(20 / 60), pytest.approx(0.4))


def test_what_is_left_after_the_last_step_can_not_be_read():
    overall = burden_of(timeline_of(gpd=[0.9] * 6), 75).loc[("overall", "GPD")]
    assert (overall["share"], overall["unreadable_minutes"]) == (1, pytest.approx(0.25))
    shorter = burden_of(timeline_of(gpd=[0.9] * 6), 55).loc[("overall", "GPD")]
    assert (shorter["minutes"], shorter["unreadable_minutes"]) == (pytest.approx(55 / 60), 0)


def test_hours_are_those_of_the_clock_and_go_past_midnight():
    # 22:40:30.5 to 00:40:30.5; GPD from 22:50:30.5 to 23:10:30.5.
    timeline = timeline_of(gpd=[0.0] * 60 + [0.9] * 120 + [0.0] * 540)
    start = datetime(2026, 11, 27, 22, 40, 30, 500000)
    gpd = burden_of(timeline, 7200, start=start).xs("GPD", level="trial_type")
    assert list(gpd.index) == [
        "overall",
        "2026-11-27 22:00",
        "2026-11-27 23:00",
        "2026-11-28 00:00",
    ]
    assert gpd["stop_seconds"].tolist() == [7200, 1169.5, 4769.5, 7200]
    assert gpd["minutes"].tolist() == pytest.approx([20, 569.5 / 60, 630.5 / 60, 0])
    assert gpd["readable_minutes"].tolist() == pytest.approx([120, 1169.5 / 60, 60, 2430.5 / 60])
    assert gpd["prevalence"].tolist() == ["frequent", "frequent", "frequent", "absent"]


def test_a_recording_of_which_nothing_can_be_read_has_no_shares():
    burden = burden_of(timeline_of(seizure=[None] * 40), 400)
    assert burden["share"].isna().all()
    assert set(burden["prevalence"]) == {""}
    assert burden["unreadable_minutes"].tolist() == pytest.approx([400 / 60] * 12)


def test_shares_of_all_classes_add_up_to_one():
    rng = np.random.default_rng(1)
    shares = rng.dirichlet([0.3] * 6, size=2 * HOUR).T
    names = ("seizure", "lpd", "gpd", "lrda", "grda")
    burden = burden_of(timeline_of(**dict(zip(names, shares, strict=False))), 7200)
    assert burden.groupby("period")["share"].sum().tolist() == pytest.approx([1, 1, 1])
