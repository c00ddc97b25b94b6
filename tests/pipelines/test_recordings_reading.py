import logging

import pytest

from hbac.datasets import RecordingsDataset
from hbac.pipelines.recordings.reading_nodes import RECORDING_COLUMNS, describe_recordings
from tests.formats.files import EDF, eeg, signals


def recordings(folder):
    return RecordingsDataset(path=str(folder)).load()


def test_every_file_is_a_row_read_or_refused(tmp_path, caplog):
    file = EDF(signals(eeg(3, 256), 256, label="EEG {}-REF".format), kind="+D", onsets=[0, 1, 9])
    file.write(tmp_path / "good.edf")
    (tmp_path / "bad.edf").write_text("0       " + "Jane Doe".ljust(300))
    with caplog.at_level(logging.INFO):
        table = describe_recordings(recordings(tmp_path)).set_index("recording")
    assert list(table.reset_index()) == list(RECORDING_COLUMNS)
    good, bad = table.loc["good"], table.loc["bad"]
    assert (good["status"], good["reason"], good["file"]) == ("read", "", "good.edf")
    assert (good["format"], good["start"]) == ("EDF+D", "2020-03-02 21:30:05")
    assert (good["duration_seconds"], good["n_gaps"], good["gap_seconds"]) == (10, 1, 7)
    assert (good["montage"], good["reference"], good["n_channels"]) == ("referential", "REF", 20)
    assert (good["sampling_rates"], good["units"], good["missing"]) == ("256", "µV", "")
    assert (bad["status"], bad["file"]) == ("refused", "bad.edf")
    assert "no number where it must state the number of signals" in bad["reason"]
    assert "good: EDF+D, 10 s from 2020-03-02 21:30:05; referential against REF" in caplog.text
    # The timelines, which it has none of, say so.
    assert "bad" not in caplog.text
    said = caplog.text + table.to_csv()
    assert not [word for word in ("Jane", "Doe", "Technician", "EMG561", "X123") if word in said]


def test_what_is_too_short_to_be_predicted_is_refused_with_what_is_known_of_it(tmp_path):
    for name, seconds in {"long": 10, "short": 9}.items():
        file = EDF(signals(eeg(seconds, 256), 256, label="EEG {}-REF".format))
        file.write(tmp_path / f"{name}.edf")
    table = describe_recordings(recordings(tmp_path)).set_index("recording")
    assert table["status"].to_dict() == {"long": "read", "short": "refused"}
    assert table.loc["short", "reason"] == "9 s are too short for a window of 10 s"
    assert table.loc["short", ["duration_seconds", "n_channels"]].tolist() == [9, 20]


def test_where_none_can_be_read_the_run_ends_and_says_why(tmp_path):
    (tmp_path / "bad.edf").write_bytes(b"")
    with pytest.raises(ValueError, match=r"none of the 1 recordings can be read.*\n  bad: .*empty"):
        describe_recordings(recordings(tmp_path))
