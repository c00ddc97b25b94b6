"""Recordings that other amplifiers and programs wrote; they are not part of the project."""

import pickle

import numpy as np
import pytest

from hbac.datasets import RecordingsDataset
from hbac.eeg import CHANNELS
from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.formats import Limits, UnreadableRecordingError, open_recording
from hbac.formats.clock import gaps_between
from hbac.formats.edf import open_edf
from hbac.pipelines.recordings.reading_nodes import describe_recordings


def test_all_of_a_10_10_cap_is_found_for_all_of_192_s(recordings):
    recording = open_recording(recordings / "microstates_30ch.edf")
    assert recording.duration == pytest.approx(192, abs=1e-3)
    assert (recording.card.montage, recording.card.missing) == ("referential", ("EKG",))
    assert len(recording.card.ignored) == 30 - 19
    data = recording.read(0, 192, CHANNELS[:-1]).data
    assert not np.isnan(data).any()
    assert 2 < np.median(np.abs(data)) < 50


def test_old_and_new_names_are_the_same_channels(recordings):
    old, new = (
        open_recording(recordings / f"szcore_{name}.edf") for name in ("unipolar", "t7naming")
    )
    assert (old.duration, new.duration) == (2, 2)
    labels = [{each.channel: each.label for each in one.card.channels} for one in (old, new)]
    assert (labels[0]["T3"], labels[1]["T3"]) == ("T3-Avg", "T7-Avg")
    assert (labels[0]["T6"], labels[1]["T6"]) == ("T6-Avg", "P8-Avg")
    for one in (old, new):
        assert (one.card.missing, one.card.reference) == (("EKG",), "AVG")


def test_a_double_banana_is_read_as_bipolar(recordings):
    recording = open_recording(recordings / "chb01_01.edf")
    assert recording.channels == (*BIPOLAR_NAMES, "EKG")
    assert recording.card.missing == ("EKG",)
    assert "'T8-P8' is there twice: the first is read" in recording.card.remarks
    assert any("lies in the future (2076)" in each for each in recording.card.remarks)


def test_gaps_of_edf_plus_d_are_gaps(recordings):
    source = open_edf(str(recordings / "edfPlusD.edf"), Limits())
    assert (source.format, source.duration) == ("EDF+D", 20)
    assert len(gaps_between(source.stretches)) == 5
    assert sum(float(stretch.seconds) for stretch in source.stretches) == 11


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("edfPlusD", "too few electrodes: 0 of the chains' 16 pairs"),
        ("dup_labels", r"too few electrodes.*Missing: Fp1, F3.*holds 'EEG F1-Ref', 'EEG F2-Ref'"),
        ("sleepedf_psg_30s_records", "too few electrodes"),
        ("zero-records", "it holds no data"),
        ("invalid-date", "it holds no data"),
    ],
)
def test_what_is_no_eeg_of_ours_is_refused_by_name(file, reason, recordings):
    with pytest.raises(UnreadableRecordingError, match=rf"{file}\.edf: {reason}"):
        open_recording(recordings / f"{file}.edf")


def test_a_latin_1_header_of_brainvision_is_read_as_far_as_its_chains_go(recordings):
    path = recordings / "brainvision" / "test_old_layout_latin1_software_filter.vhdr"
    recording = pickle.loads(pickle.dumps(open_recording(path)))
    assert recording.card.missing == ("Fp1", "T3", "Fp2", "T4", "EKG")
    assert recording.read(0, 1, ("Cz",)).data.shape == (1, 200)
    with pytest.raises(UnreadableRecordingError, match="too few electrodes: 8 of the chains' 16"):
        open_recording(path, least_chains=0.6)


def test_what_is_refused_stops_no_other(recordings):
    table = describe_recordings(RecordingsDataset(path=str(recordings)).load()).set_index(
        "recording"
    )
    assert table.index[table["status"] == "read"].tolist() == ["microstates_30ch"]
    refused = table[table["status"] == "refused"]
    short = refused["reason"].str.contains("too short for a window")
    assert set(refused.index[short]) == {
        *("szcore_unipolar", "szcore_t7naming", "chb01_01"),
        "test_old_layout_latin1_software_filter",
    }
    assert (~short).sum() == 5
