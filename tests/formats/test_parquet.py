import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hbac.datasets import EEGDataset
from hbac.eeg import CHANNELS, Recording
from hbac.formats import Limits, UnreadableRecordingError, open_recording
from tests.formats.files import eeg


def write(path, columns, **options):
    table = pa.table({name: pa.array(each, from_pandas=True) for name, each in columns.items()})
    pq.write_table(table, path, **options)
    return path


def test_the_competition_s_layout_is_a_recording_like_any_other(tmp_path):
    data = np.stack(list(eeg(60).values())).astype(np.float32)
    data[4, 2000:2100] = np.nan
    EEGDataset(filepath=str(tmp_path / "1.parquet")).save(Recording(data, CHANNELS))
    recording = open_recording(tmp_path / "1.parquet")
    assert (recording.duration, recording.start, recording.gaps) == (60, None, ())
    assert recording.card.format == "parquet"
    np.testing.assert_array_equal(recording.read(0, 60).data, data)
    np.testing.assert_array_equal(recording.read(9.5, 1, ("F7",)).data, data[4:5, 1900:2100])


def test_only_the_row_groups_and_columns_that_are_asked_for_are_read(tmp_path, monkeypatch):
    columns = eeg(100)
    path = write(tmp_path / "1.parquet", columns, row_group_size=4000)
    recording = open_recording(path)
    asked = []
    real = pq.ParquetFile.read_row_group

    def watched(self, group, columns, **options):
        asked.append((group, columns))
        return real(self, group, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    data = recording.read(35, 10, ("Cz", "O2")).data
    assert asked == [(1, ["Cz", "O2"]), (2, ["Cz", "O2"])]
    expected = np.stack([columns["Cz"], columns["O2"]])[:, 7000:9000]
    np.testing.assert_allclose(data, expected, rtol=1e-6)


def test_columns_may_be_named_and_typed_as_they_like(tmp_path):
    columns = {f"EEG {name.upper()}-REF": each for name, each in eeg(50).items()}
    columns["EEG F7-REF"] = np.round(columns["EEG F7-REF"]).astype(np.int32)
    columns["comment"] = ["x"] * 10_000
    del columns["EEG EKG-REF"]
    recording = open_recording(write(tmp_path / "1.parquet", columns))
    assert (recording.card.missing, recording.card.ignored) == (("EKG",), ("comment",))
    expected = np.stack(list(columns.values())[:-1])
    np.testing.assert_allclose(recording.read(0, 50, CHANNELS[:-1]).data, expected, rtol=1e-6)


def test_a_small_file_that_unfolds_to_a_large_one_is_refused_unread(tmp_path):
    zeros = dict.fromkeys(CHANNELS, np.zeros(3_000_000, np.float32))
    path = write(tmp_path / "1.parquet", zeros)
    assert path.stat().st_size < 300_000
    message = r"1\.parquet: its \d+ bytes unfold to 240000000, .* most_unfolding = 100"
    with pytest.raises(UnreadableRecordingError, match=message):
        open_recording(path)
    with pytest.raises(
        UnreadableRecordingError, match=r"a row group unfolds to .* most_bytes_at_o"
    ):
        open_recording(path, limits=Limits(most_unfolding=1e6, most_bytes_at_once=10**6))
    with pytest.raises(UnreadableRecordingError, match=r"lasts 4\.16667 h, more than most_hours"):
        open_recording(path, limits=Limits(most_unfolding=1e6, most_hours=1))


def test_what_holds_nothing_or_is_broken_is_named(tmp_path):
    path = write(tmp_path / "1.parquet", {name: np.empty(0) for name in CHANNELS})
    with pytest.raises(UnreadableRecordingError, match=r"1\.parquet: it holds no data"):
        open_recording(path)
    whole = write(tmp_path / "2.parquet", eeg(50)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableRecordingError, match=r"1\.parquet: it can't be read \(Arrow"):
        open_recording(path)
    with pytest.raises(
        UnreadableRecordingError, match="it has 20 channels, more than most_channels = 5"
    ):
        open_recording(tmp_path / "2.parquet", limits=Limits(most_channels=5))
