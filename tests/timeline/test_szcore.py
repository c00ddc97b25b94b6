import io
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring

from hbac.timeline import find_events, szcore_annotations

from .timelines import timeline_of

COLUMNS = [
    "onset",
    "duration",
    "eventType",
    "confidence",
    "channels",
    "dateTime",
    "recordingDuration",
]


def read(text):
    """Read a file as SzCORE's documentation says it is: every value has one form or is n/a."""
    table = pd.read_csv(io.StringIO(text), sep="\t", keep_default_na=False)
    assert list(table) == COLUMNS
    for date in table["dateTime"]:
        datetime.strptime(date, "%Y-%m-%d %H:%M:%S")
    assert table["eventType"].isin(["sz", "bckg"]).all()
    assert len(set(table["recordingDuration"])) == 1
    return table


def mask(table):
    """A value a second, as SzCORE scores it."""
    found = np.zeros(int(table["recordingDuration"][0]), bool)
    for row in table[table["eventType"] == "sz"].itertuples():
        found[int(row.onset) : int(row.onset + row.duration)] = True
    return found


def test_seizures_alone_are_rows():
    events = find_events(
        timeline_of(seizure=[0, 0.9, 0.7, 0, 0, 0, 0, 0.8], gpd=[0, 0, 0, 0, 0.9, 0, 0, 0])
    )
    events.loc[0, "chains"] = "LL"
    start = datetime(2026, 11, 27, 22, 40, 30, 999000)
    table = read(szcore_annotations(events, duration=80, start=start))
    assert table["onset"].tolist() == [10, 70]
    assert table["duration"].tolist() == [20, 10]
    assert table["confidence"].tolist() == [0.8, 0.8]
    assert table["channels"].tolist() == ["Fp1,F7,T3,T5,O1", "n/a"]
    assert set(table["dateTime"]) == {"2026-11-27 22:40:30"}


def test_no_seizure_is_background_as_long_as_the_recording():
    events = find_events(timeline_of(gpd=[0.9] * 6))
    table = read(szcore_annotations(events, duration=64.25, background_confidence=0.97))
    assert table.values.tolist() == [[0, 64.25, "bckg", 0.97, "n/a", "1985-01-01 00:00:00", 64.25]]
    unread = read(szcore_annotations(events, duration=64.25))
    assert unread["confidence"].tolist() == ["n/a"]


def test_no_seizure_goes_past_the_end():
    events = find_events(timeline_of(seizure=[0, 0.9, 0.9]))
    table = read(szcore_annotations(events, duration=25.5))
    assert table["onset"][0] + table["duration"][0] == 25.5


def test_timescoring_scores_what_is_written():
    found = find_events(
        timeline_of(seizure=[0] * 60 + [0.9] * 6 + [0] * 60 + [0.9] * 3 + [0] * 231)
    )
    table = read(szcore_annotations(found, duration=3600))
    truth = Annotation([(590, 650)], 1, 3600)
    scored = EventScoring(truth, Annotation(mask(table), 1))
    assert (scored.sensitivity, scored.precision) == (1, 0.5)
    assert scored.fpRate == pytest.approx(24)
