"""Timelines to events, annotation files, burden and scores, through the catalog as it ships."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from types import SimpleNamespace

import edfio
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from hbac.pipelines.recordings.annotation_nodes import find_recording_events
from hbac.pipelines.recordings.annotation_pipeline import annotation_nodes, find_events_nodes
from hbac.pipelines.recordings.timeline_params import (
    AnnotationsParams,
    BurdenParams,
    EventsParams,
    ScoringParams,
)
from tests.conftest import configuration
from tests.timeline.timelines import Annotation, StandIn, timeline_of, write_text

START = datetime(2026, 11, 27, 22, 40)


class Opened(StandIn):
    """A recording whose card names its channels."""

    @property
    def card(self):
        return SimpleNamespace(channels=(SimpleNamespace(channel="Fp1", label="EEG Fp1-REF"),))


@pytest.fixture
def parameters():
    return configuration()["parameters"]["recording"]


@pytest.fixture
def catalog(tmp_path, parameters):
    """Recordings of which one has seizures, one nothing, and one is called as BIDS has it."""
    timelines = {
        "007": timeline_of(seizure=[0.0] * 6 + [0.9] * 3 + [0.0] * 51, lpd=[0.0] * 40 + [0.8] * 20),
        "quiet": timeline_of(other=[1.0] * 60),
        "sub-1_task-icu_eeg": timeline_of(gpd=[None] * 30 + [0.9] * 30),
    }
    recordings = {
        name: Opened(600.0, start=START, path=str(tmp_path / "raw" / f"{name}.edf"))
        for name in timelines
    }
    (tmp_path / "raw").mkdir()
    entries = {
        name: entry
        for name, entry in configuration(data_dir=str(tmp_path / "data"))["catalog"].items()
        if entry.get("filepath", entry.get("path", "")).startswith(str(tmp_path))
    }
    made = DataCatalog.from_config(entries)
    made["timelines"] = MemoryDataset({k: partial(pd.DataFrame, v) for k, v in timelines.items()})
    made["recordings"] = MemoryDataset(recordings)
    for name, kind in PARAMS.items():
        made[f"params:recording.{name}"] = MemoryDataset(kind(**parameters[name]))
    return made


PARAMS = {
    "events": EventsParams,
    "annotations": AnnotationsParams,
    "burden": BurdenParams,
    "scoring": ScoringParams,
}


def run(catalog):
    SequentialRunner().run(Pipeline([*find_events_nodes(), *annotation_nodes()]), catalog)


def test_everything_is_written_where_it_is_said_to_be(catalog, tmp_path):
    run(catalog)
    output = tmp_path / "data/07_model_output"
    assert {file.name for file in (output / "annotations").iterdir()} - {".hbac"} == {
        f"{stem}_{ending}"
        for stem in ("007", "quiet", "sub-1_task-icu")
        for ending in ("events.tsv", "events.json", "szcore.tsv", "annotations.edf")
    }
    events = catalog["events"].load()
    assert events[["recording", "trial_type", "onset", "duration"]].values.tolist() == [
        ["007", "Seizure", 60, 30],
        ["007", "LPD", 400, 200],
        ["sub-1_task-icu_eeg", "GPD", 300, 300],
    ]
    file = edfio.read_edf(output / "annotations/007_annotations.edf")
    assert [tuple(note) for note in file.annotations] == [(60, 30, "Seizure"), (400, 200, "LPD")]
    assert file.startdatetime == START
    assert catalog["szcore_annotations"].load()["quiet"]().split("\n")[1].split("\t") == [
        *("0.00", "600.00", "bckg", "1.0000", "n/a", "2026-11-27 22:40:00", "600.00")
    ]
    burden = catalog["burden"].load()
    overall = burden[burden["period"] == "overall"].set_index(["recording", "trial_type"])
    assert overall.loc[("007", "LPD"), "prevalence"] == "frequent"
    assert overall.loc[("sub-1_task-icu_eeg", "GPD"), "unreadable_minutes"] == pytest.approx(5)
    assert catalog["event_scores"].load().empty


def test_nothing_is_written_twice_and_what_is_gone_is_taken_away(catalog, tmp_path):
    run(catalog)
    folder = tmp_path / "data/07_model_output/annotations"
    before = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.*")}
    run(catalog)
    assert {file.name: file.stat().st_mtime_ns for file in folder.glob("*.*")} == before
    catalog["timelines"] = MemoryDataset(
        {name: load for name, load in catalog["timelines"].load().items() if name != "quiet"}
    )
    run(catalog)
    gone = before.keys() - {file.name for file in folder.glob("*.*")}
    assert gone == {name for name in before if name.startswith("quiet_")}


def test_channels_are_said_where_chains_are_known_unless_not_wanted(catalog):
    events = find_recording_events(
        catalog["timelines"].load(), catalog["params:recording.events"].load()
    )
    catalog["events"].save(events.assign(chains=["LL", "", ""]))
    pipe = Pipeline(annotation_nodes()).only_nodes("write_edf_annotations")

    def texts():
        SequentialRunner().run(pipe, catalog)
        path = f"{catalog['edf_annotations']._path}/007_annotations.edf"
        return [note.text for note in edfio.read_edf(path).annotations]

    assert texts() == ["Seizure@@EEG Fp1-REF", "LPD"]
    catalog["params:recording.annotations"] = MemoryDataset(AnnotationsParams(edf_channels=False))
    assert texts() == ["Seizure", "LPD"]


def test_references_beside_and_in_recordings_are_scored(catalog, tmp_path, caplog):
    write_text(tmp_path / "raw/007_events.tsv", "onset\tduration\ttrial_type\n60\t30\tSeizure\n")
    recordings = catalog["recordings"].load()
    notes = (Annotation(100, 20, "seizure?"),)
    recordings["quiet"] = replace(recordings["quiet"], annotations=notes)
    catalog["recordings"] = MemoryDataset(recordings)
    scoring = catalog["params:recording.scoring"].load()
    mapped = scoring.model_copy(update={"annotation_patterns": {"seiz": "Seizure"}})
    catalog["params:recording.scoring"] = MemoryDataset(mapped)
    write_text(tmp_path / "raw/sub-1_task-icu_events.tsv", "onset,duration\n5,30\n")
    run(catalog)
    scores = catalog["event_scores"].load().query("scoring == 'event'").set_index("recording")
    assert list(scores.index) == ["007", "quiet", "all recordings"]
    assert scores["sensitivity"].tolist() == [1, 0, 0.5]
    assert scores.loc["007", "reference"] == "007_events.tsv"
    assert "sub-1_task-icu_events.tsv has the columns" in caplog.text


def test_no_text_of_a_recording_is_written_anywhere(catalog, tmp_path):
    notes = (Annotation(60, 30, "Seizure, Jane Doe b. 1950"),)
    recordings = catalog["recordings"].load()
    recordings["007"] = replace(recordings["007"], annotations=notes)
    catalog["recordings"] = MemoryDataset(recordings)
    scoring = catalog["params:recording.scoring"].load()
    mapped = scoring.model_copy(update={"annotation_patterns": {"seiz": "Seizure"}})
    catalog["params:recording.scoring"] = MemoryDataset(mapped)
    run(catalog)
    assert "007" in set(catalog["event_scores"].load()["recording"])
    files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert len(files) > 15
    assert not [file for file in files if b"Jane" in file.read_bytes()]


def test_two_recordings_never_share_a_file(catalog):
    timelines = catalog["timelines"].load()
    timelines["sub-1_task-icu"] = timelines["quiet"]
    recordings = catalog["recordings"].load()
    recordings["sub-1_task-icu"] = recordings["quiet"]
    catalog["timelines"], catalog["recordings"] = (
        MemoryDataset(timelines),
        MemoryDataset(recordings),
    )
    run(catalog)
    assert set(catalog["bids_events"].load()) == {"007", "quiet", *list(timelines)[2:]}


def test_no_recording_makes_tables_with_their_columns(catalog):
    catalog["timelines"], catalog["recordings"] = MemoryDataset({}), MemoryDataset({})
    run(catalog)
    for name in ("events", "burden", "event_scores"):
        assert catalog[name].load().empty
        assert next(iter(catalog[name].load())) == "recording"


@pytest.mark.parametrize(
    ("part", "changed", "fault"),
    [
        ("events", {"go_on": 0.6}, "at most begin = 0.5"),
        ("events", {"begin": 0}, "begin"),
        ("burden", {"levels": [0.5, 0.1]}, "rising"),
        ("burden", {"window_seconds": 5.0}, "at least epoch_seconds"),
        ("scoring", {"annotation_patterns": {"(": "LPD"}}, "no regular expression"),
        ("scoring", {"annotation_patterns": {"x": "lpd"}}, "LPD"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, part, changed, fault):
    with pytest.raises(ValidationError, match=fault):
        PARAMS[part](**parameters[part] | changed)
