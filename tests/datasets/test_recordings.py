import os
import pickle
from functools import partial
from pathlib import PurePath

import pytest
from kedro.io import DatasetError

from hbac.datasets import RecordingsDataset
from hbac.datasets.fingerprint import task_fingerprint
from hbac.datasets.recordings import name_recordings
from hbac.formats import UnreadableRecordingError
from tests.formats.files import EDF, eeg, signals
from tests.formats.test_persyst import write as write_persyst
from tests.formats.test_through_mne import write_brainvision


def write(path, seconds=2):
    return EDF(signals(eeg(seconds))).write(path)


def load(path, **options):
    return RecordingsDataset(path=str(path), **options).load()


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "night.EDF")
    write(tmp_path / "a" / "day.edf")
    write(tmp_path / "b" / "c" / "day.edf", 3)
    write(tmp_path / ".hidden" / "not.edf")
    write(tmp_path / "._night.edf")
    (tmp_path / "bv").mkdir()
    write_brainvision(tmp_path / "bv", eeg(10), 200)
    write_persyst(tmp_path / "b")
    for name in ("notes.txt", "night_events.tsv", "night.png", "edf"):
        (tmp_path / name).write_text("no recording")
    return tmp_path


def test_a_folder_of_any_depth_gives_its_recordings_and_nothing_else(folder):
    recordings = load(folder)
    assert list(recordings) == ["a_day", "c_day", "b_one", "bv_one", "night"]
    assert recordings["c_day"]().duration == 3
    assert recordings["bv_one"]().card.format == "BrainVision"
    assert recordings["b_one"]().card.format == "Persyst"


def test_what_a_run_made_beside_its_recordings_is_none(folder):
    before = list(load(folder))
    for data_dir in (folder, folder / "out"):
        write(data_dir / "07_model_output" / "annotations" / "night_annotations.edf")
        (data_dir / ".hbac.lock").touch()
    assert list(load(folder)) == before
    assert list(load(folder / "out" / "07_model_output")) == ["night_annotations"]


def test_what_is_not_distinct_is_made_so():
    paths = [
        "a/x.edf",
        "b/x.edf",
        "b/x.bdf",
        "y.edf",
        "Y.bdf",
        "s/a_x.edf",
        "n/1/z.edf",
        "m/1/z.edf",
    ]
    named = name_recordings([PurePath(path) for path in paths])
    assert {str(path): name for name, path in named.items()} == {
        "a/x.edf": "a_x",
        "b/x.edf": "b_x_edf",
        "b/x.bdf": "b_x_bdf",
        "y.edf": "y_edf",
        "Y.bdf": "Y_bdf",
        "s/a_x.edf": "s_a_x",
        "n/1/z.edf": "n_1_z",
        "m/1/z.edf": "m_1_z",
    }


def test_one_file_is_read_whatever_its_name_says(tmp_path):
    path = write(tmp_path / "export.dat")
    assert load(path)["export"]().card.format == "EDF"
    (tmp_path / "letter.edf").write_text("Dear colleague")
    with pytest.raises(UnreadableRecordingError, match=r"letter\.edf: its content is of no format"):
        load(tmp_path / "letter.edf")["letter"]()


def test_a_file_that_can_not_be_read_is_no_reason_not_to_list_others(folder):
    (folder / "broken.edf").write_bytes(b"")
    recordings = load(folder)
    assert "broken" in recordings
    with pytest.raises(UnreadableRecordingError, match=r"broken\.edf: it is empty"):
        recordings["broken"]()


def test_where_there_is_nothing_it_is_said(tmp_path):
    with pytest.raises(DatasetError, match="does not exist: it must be a recording or a folder"):
        load(tmp_path / "no")
    with pytest.raises(DatasetError, match=r"holds no recording: none of its files ends in \.edf"):
        load(tmp_path)
    with pytest.raises(ValueError, match="read from this machine, received s3://x: copy them"):
        RecordingsDataset(path="s3://x")
    with pytest.raises(ValueError, match="least_chains must be above 0"):
        RecordingsDataset(path=str(tmp_path), least_chains=0)


@pytest.mark.parametrize("identify_by", ["modified", "content"])
def test_what_is_made_of_a_recording_is_made_again_where_that_changed(identify_by, folder):
    def made_of(name, **options):
        loader = load(folder, identify_by=identify_by, **options)[name]
        return task_fingerprint(partial(print, pickle.loads(pickle.dumps(loader))))

    before = {name: made_of(name) for name in ("night", "bv_one")}
    assert made_of("night") == before["night"]
    assert made_of("night", least_chains=0.7) != before["night"]
    assert made_of("night", limits={"most_hours": 3}) != before["night"]
    write(folder / "night.EDF", 3)
    assert made_of("night") != before["night"]
    samples = folder / "bv" / "one.eeg"
    samples.write_bytes(samples.read_bytes()[:-400] + bytes(400))
    os.utime(samples, ns=(1, 1))
    assert made_of("bv_one") != before["bv_one"]


def test_limits_reach_the_reader(folder):
    with pytest.raises(UnreadableRecordingError, match=r"more than most_hours = 0\.0001"):
        load(folder / "night.EDF", limits={"most_hours": 0.0001})["night"]()


def test_kedro_viz_shows_what_there_is(folder):
    preview = RecordingsDataset(path=str(folder)).preview(2)
    assert preview["columns"][0] == "recording (of 5)"
    assert [row[0] for row in preview["data"]] == ["a/day.edf", "b/c/day.edf"]
