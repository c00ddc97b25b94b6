import json

import edfio
import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, read_raw_bids, write_raw_bids

from hbac.timeline import bids_events, bids_sidecar, bids_stem, find_events
from hbac.timeline.events import PATTERNS
from hbac.timeline.hed import HED_TAGS, HED_VERSION, location_tags

from .timelines import timeline_of, write_text


@pytest.fixture
def events():
    timeline = timeline_of(seizure=[0, 0.9, 0.7, 0, 0, 0, 0, 0], lpd=[0, 0, 0, 0, 0, 0.6, 0, 0])
    found = find_events(timeline)
    found["chains"] = ["LL;LP", ""]
    return found


def test_the_table_begins_as_bids_wants_it_and_says_what_is_not_known(events):
    lines = bids_events(events).split("\n")
    assert lines[0].split("\t") == [
        *("onset", "duration", "trial_type", "probability", "peak_probability"),
        *("peak_seconds", "chains", "HED"),
    ]
    assert lines[1] == "10.000\t20.000\tSeizure\t0.8000\t0.9000\t15.000\tLL;LP\tLeft"
    assert lines[2] == "50.000\t10.000\tLPD\t0.6000\t0.6000\t55.000\tn/a\tn/a"
    assert lines[3:] == [""]


def test_chains_that_are_not_known_may_be_missing_as_csv_has_them(events):
    events["chains"] = [np.nan, "RP"]
    assert [line.split("\t")[-2:] for line in bids_events(events).split("\n")[1:-1]] == [
        ["n/a", "n/a"],
        ["RP", "Right"],
    ]


def test_no_event_is_a_table_with_a_header():
    assert bids_events(find_events(timeline_of(gpd=[0.0]))).count("\n") == 1


def test_the_sidecar_describes_every_column_and_level(events):
    sidecar = json.loads(json.dumps(bids_sidecar()))
    columns = bids_events(events).split("\n")[0].split("\t")
    # HED reserves its name: a description of it is an error there.
    assert set(sidecar) == set(columns) - {"HED"}
    assert all(entry["Description"] for entry in sidecar.values())
    assert set(sidecar["trial_type"]["Levels"]) == set(PATTERNS)
    assert set(sidecar["trial_type"]["HED"]) == set(PATTERNS)


def test_a_file_beside_a_recording_of_bids_is_called_as_bids_has_it():
    assert bids_stem("sub-1_task-icu_eeg") == "sub-1_task-icu"
    assert bids_stem("night_eeg") == "night_eeg"


def test_mne_bids_reads_the_events_back_in_a_data_set(events, tmp_path):
    signal = edfio.EdfSignal(np.arange(8000.0), 100, label="Fp1", physical_dimension="uV")
    edfio.Edf([signal]).write(tmp_path / "night.edf")
    raw = mne.io.read_raw_edf(tmp_path / "night.edf", verbose="error")
    root = tmp_path / "data set"
    place = BIDSPath(subject="1", task="icu", root=root, datatype="eeg")
    write_raw_bids(raw, place, verbose="error")
    folder = root / "sub-1" / "eeg"
    write_text(folder / "sub-1_task-icu_events.tsv", bids_events(events))
    write_text(folder / "sub-1_task-icu_events.json", json.dumps(bids_sidecar()))
    read = read_raw_bids(place, verbose="error").annotations
    assert read.onset.tolist() == [10, 50]
    assert read.duration.tolist() == [20, 10]
    assert list(read.description) == ["Seizure", "LPD"]


def test_pandas_takes_not_known_for_missing(events, tmp_path):
    path = write_text(tmp_path / "night_events.tsv", bids_events(events))
    table = pd.read_csv(path, sep="\t")
    assert table["chains"].isna().tolist() == [False, True]
    assert table["onset"].tolist() == [10, 50]


def test_sides_are_those_of_the_chains():
    seen = [location_tags("LPD", chains) for chains in ("", "LL", "RP;RL", "LP;RL")]
    assert seen == ["", "Left", "Right", "Left, Right"]
    with pytest.raises(ValueError, match="'XL'"):
        location_tags("LPD", "XL")


def test_a_generalised_pattern_has_no_side():
    assert location_tags("GPD", "RL") == location_tags("GRDA", "LL;LP") == ""


def test_tags_are_valid_in_the_schema(events, tmp_path):
    hed = pytest.importorskip("hed", reason="hedtools, which holds the schemas, is not installed")
    schema = hed.load_schema_version(HED_VERSION)
    table = write_text(tmp_path / "night_events.tsv", bids_events(events))
    sidecar = write_text(tmp_path / "night_events.json", json.dumps(bids_sidecar()))
    assert hed.TabularInput(str(table), sidecar=str(sidecar)).validate(schema) == []
    for tags in HED_TAGS.values():
        for side in ("", "Left", "Left, Right"):
            string = ", ".join(filter(None, (tags, side)))
            assert hed.HedString(string, schema).validate() == []
