import base64
import traceback
from functools import partial
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure
from matplotlib.image import imread

from hbac.datasets import (
    EEGDataset,
    FigureDataset,
    NpyDataset,
    ParallelPartitionedDataset,
    RegionalSpectrogramDataset,
)
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.eeg.regional import COLUMNS
from tests.formats.files import EDF, eeg, signals


def eeg_columns(samples=10_000):
    return {name: np.arange(samples, dtype=np.float32) + k for k, name in enumerate(CHANNELS)}


def write(path, columns, names=None):
    arrays = [pa.array(values) for values in columns.values()]
    pq.write_table(pa.Table.from_arrays(arrays, names=list(names or columns)), path)
    return str(path)


def test_a_recording_comes_back_as_it_was(tmp_path):
    data = np.random.default_rng(0).normal(size=(20, 10_001)).astype(np.float32)
    data[3, 10:20] = np.nan
    dataset = EEGDataset(filepath=str(tmp_path / "1.parquet"))
    dataset.save(Recording(data, CHANNELS))
    loaded = dataset.load()
    assert loaded.channels == CHANNELS
    np.testing.assert_array_equal(loaded.data, data)


def test_a_recording_at_another_rate_is_not_saved(tmp_path):
    # A file says nothing of its rate: 60 s at 500 Hz came back as 150 s.
    dataset = EEGDataset(filepath=str(tmp_path / "1.parquet"))
    with pytest.raises(DatasetError, match=r"must be 200 Hz, received 500.*resample"):
        dataset.save(Recording(np.zeros((20, 30_000), np.float32), CHANNELS, 500))
    assert not dataset.exists()


def test_a_channel_that_pandas_gave_no_type_is_missing_throughout(tmp_path):
    path = tmp_path / "1.parquet"
    frame = pd.DataFrame(eeg_columns()).assign(EKG=None)
    frame.index = pd.Index(range(5, 10_005), name="sample")
    frame.to_parquet(path)
    data = EEGDataset(filepath=str(path)).load().data
    assert np.isnan(data[CHANNELS.index("EKG")]).all()
    assert data[0, :3].tolist() == [0, 1, 2]


def test_the_length_of_a_file_is_told_without_reading_it(tmp_path, monkeypatch):
    eeg = EEGDataset(filepath=write(tmp_path / "1.parquet", eeg_columns(12_345)))
    for dataset in (EEGDataset, NpyDataset):
        monkeypatch.setattr(dataset, "_read", pytest.fail)
    assert eeg.length(str(tmp_path / "1.parquet")) == 12_345
    for folder in (tmp_path, "memory://lengths"):
        dataset = NpyDataset(filepath=f"{folder}/1.npy")
        dataset.save(np.zeros((7, 400), np.float32))
        assert dataset.length(dataset._filepath) == 7


def test_columns_may_come_in_any_order(tmp_path):
    columns = dict(reversed(eeg_columns().items()))
    recording = EEGDataset(filepath=write(tmp_path / "1.parquet", columns)).load()
    assert recording.data[:, 0].tolist() == list(range(20))


def test_csv_text_under_the_name_is_not_parquet(tmp_path):
    path = tmp_path / "7.parquet"
    path.write_text("Fp1,F3\n1,2\n")
    with pytest.raises(DatasetError, match=r"7\.parquet is not a readable parquet.*b'Fp1,F3"):
        EEGDataset(filepath=str(path)).load()


@pytest.mark.parametrize("keep", [0, 3, 4000])
def test_a_truncated_file_is_named(tmp_path, keep):
    path = tmp_path / "7.parquet"
    write(path, eeg_columns())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError, match=r"7\.parquet is not a readable parquet"):
        EEGDataset(filepath=str(path)).load()


def test_a_wrong_channel_name_is_named(tmp_path):
    columns = {"Fp9" if name == "Fp1" else name: data for name, data in eeg_columns().items()}
    with pytest.raises(DatasetError, match=r"7\.parquet lacks the columns 'Fp1'.*'Fp9'"):
        EEGDataset(filepath=write(tmp_path / "7.parquet", columns)).load()


def test_a_channel_that_repeats_is_named(tmp_path):
    names = ["F3" if name == "Fp1" else name for name in CHANNELS]
    with pytest.raises(DatasetError, match=r"\['F3'\] more than once"):
        EEGDataset(filepath=write(tmp_path / "7.parquet", eeg_columns(), names)).load()


def test_too_few_samples_are_counted(tmp_path):
    with pytest.raises(DatasetError, match=r"7\.parquet holds 9999 samples; at least 10000"):
        EEGDataset(filepath=write(tmp_path / "7.parquet", eeg_columns(9_999))).load()


def test_text_in_a_channel_is_named(tmp_path):
    columns = eeg_columns() | {"Cz": ["x"] * 10_000}
    with pytest.raises(DatasetError, match="column 'Cz' must be numeric, it is string"):
        EEGDataset(filepath=write(tmp_path / "7.parquet", columns)).load()


def test_an_infinite_value_is_named(tmp_path):
    columns = eeg_columns()
    columns["Pz"][5] = np.inf
    with pytest.raises(DatasetError, match="column 'Pz' holds an infinite value"):
        EEGDataset(filepath=write(tmp_path / "7.parquet", columns)).load()


def test_a_spectrogram_is_read_without_its_time(tmp_path):
    power = np.random.default_rng(0).random((300, 400)).astype(np.float32)
    power[7] = np.nan
    frame = pd.DataFrame(power, columns=list(COLUMNS))
    frame.insert(0, "time", np.arange(1, 600, 2))
    dataset = RegionalSpectrogramDataset(filepath=str(tmp_path / "1.parquet"))
    dataset.save(frame)
    np.testing.assert_array_equal(dataset.load(), power)


@pytest.mark.parametrize("index", ["time", ["time", "LL_0.59"], "LL_0.59"])
@pytest.mark.parametrize("dtype", [int, float])
def test_a_spectrogram_whose_columns_pandas_kept_as_an_index_is_read_as_any(tmp_path, index, dtype):
    power = np.random.default_rng(0).random((301, 400)).astype(np.float32)
    frame = pd.DataFrame(power, columns=list(COLUMNS))
    frame.insert(0, "time", np.arange(1, 602, 2, dtype=dtype)[::-1])
    path = tmp_path / "1.parquet"
    frame.set_index(index).to_parquet(path)
    loaded = RegionalSpectrogramDataset(filepath=str(path)).load()
    np.testing.assert_array_equal(loaded, power[::-1])


def test_an_index_that_another_program_left_is_no_column(tmp_path):
    path = tmp_path / "1.parquet"
    frame = pd.DataFrame(np.ones((300, 400), np.float32), columns=list(COLUMNS))
    frame.index = pd.RangeIndex(1, 601, 2, name="time")
    half = pa.Table.from_pandas(frame).slice(0, 299)
    pq.write_table(half, path)
    with pytest.raises(DatasetError, match="lacks the columns 'time'"):
        RegionalSpectrogramDataset(filepath=str(path)).load()


def test_a_short_spectrogram_is_refused(tmp_path):
    frame = pd.DataFrame(np.ones((299, 400), np.float32), columns=list(COLUMNS))
    dataset = RegionalSpectrogramDataset(filepath=str(tmp_path / "1.parquet"))
    dataset.save(frame.assign(time=np.arange(1, 598, 2)))
    with pytest.raises(DatasetError, match="holds 299 rows; at least 300"):
        dataset.load()


def test_npy_never_unpickles(tmp_path):
    path = tmp_path / "1.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"1\.npy is not an array of numbers"):
        NpyDataset(filepath=str(path)).load()


def test_npy_is_memory_mapped_and_read_only(tmp_path):
    dataset = NpyDataset(filepath=str(tmp_path / "1.npy"))
    dataset.save(np.arange(6).reshape(2, 3))
    loaded = dataset.load()
    assert isinstance(loaded, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded[0, 0] = 1


def test_an_array_elsewhere_is_mapped_from_a_copy():
    dataset = NpyDataset(filepath="memory://arrays/1.npy")
    dataset.save(np.arange(6).reshape(2, 3))
    loaded = dataset.load()
    assert isinstance(loaded, np.memmap)
    assert loaded.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_failed_write_leaves_what_was_there(tmp_path):
    dataset = NpyDataset(filepath=str(tmp_path / "1.npy"))
    dataset.save(np.arange(3))
    with pytest.raises(DatasetError):
        dataset.save(np.array([object()]))
    assert dataset.load().tolist() == [0, 1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["1.npy"]


@pytest.mark.parametrize("folder", ["{tmp_path}", "memory://figures"])
def test_a_figure_comes_back_as_a_picture_that_notebooks_and_kedro_viz_show(folder, tmp_path):
    dataset = FigureDataset(filepath=f"{folder.format(tmp_path=tmp_path)}/1.png", dpi=50)
    dataset.save(Figure(figsize=(2, 1), facecolor=(1, 0, 0)))
    picture = dataset.load()
    image = imread(BytesIO(picture._repr_png_()), format="png")
    assert image.shape == (50, 100, 4)
    assert (image == [1, 0, 0, 1]).all()
    assert base64.b64decode(dataset.preview()) == picture


def test_what_is_not_a_picture_is_refused(tmp_path):
    (tmp_path / "1.png").write_bytes(b"<html>")
    with pytest.raises(DatasetError, match=r"1\.png is not a PNG file; it holds 6 bytes"):
        FigureDataset(filepath=str(tmp_path / "1.png")).load()


def test_a_folder_of_eegs_may_hold_recordings_of_any_format(tmp_path):
    data = np.stack(list(eeg(60).values())).astype(np.float32)
    EEGDataset(filepath=str(tmp_path / "1.parquet")).save(Recording(data, CHANNELS))
    EDF(signals(eeg(60, 256), 256, label="EEG {}-REF".format)).write(tmp_path / "2.EDF")
    EDF(signals(eeg(60))).write(tmp_path / "1.edf")
    folder = ParallelPartitionedDataset(
        path=str(tmp_path), dataset="hbac.datasets.EEGDataset", filename_suffix=".parquet"
    )
    assert folder.exists()
    eegs = folder.load()
    assert list(eegs) == ["1", "2"]
    np.testing.assert_array_equal(eegs["1"]().data, data)
    assert eegs["2"].length() == 12_000
    names = ("O2", "Fp1")
    recording = eegs["2"](channels=names)
    assert recording.channels == names
    expected = np.stack([eeg(60)[name] for name in names])[:, 100:-100]
    np.testing.assert_allclose(recording.data[:, 100:-100], expected, atol=0.15)
    # What is made of one follows its changes; and nothing that was not made here is removed.
    before = eegs["2"].source_identity
    EDF(signals(eeg(70, 256), 256)).write(tmp_path / "2.EDF")
    assert folder.load()["2"].source_identity != before
    folder.save({"3": partial(Recording, data, CHANNELS)})
    assert sorted(folder.load()) == ["1", "2", "3"]


def test_a_recording_that_is_no_eeg_of_the_pipelines_is_named_and_not_quoted(tmp_path):
    pairs = eeg(60, channels=BIPOLAR_NAMES)
    path = EDF(signals(pairs)).write(tmp_path / "1.edf")
    with pytest.raises(DatasetError, match=r"1\.edf is bipolar already"):
        EEGDataset(filepath=str(path)).load()
    EDF(signals(eeg(20))).write(path)
    with pytest.raises(DatasetError, match=r"1\.edf holds 4000 samples; at least 10000"):
        EEGDataset(filepath=str(path)).load()
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(DatasetError, match=r"1\.edf: it ends within the header") as error:
        EEGDataset(filepath=str(path)).load()
    assert "Jane" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("dataset", "n_columns", "rows", "rate"),
    [
        (EEGDataset, CHANNELS, 10_000, 200),
        (RegionalSpectrogramDataset, ("time", *COLUMNS), 300, 0.5),
    ],
)
def test_a_file_that_says_it_holds_too_many_rows_is_refused_before_it_is_decoded(
    dataset, n_columns, rows, rate, tmp_path, monkeypatch
):
    path, hours = str(tmp_path / "1.parquet"), rows / rate / 3600
    table = pa.table({name: 2.0 * np.arange(rows + 1) + 1 for name in n_columns})
    pq.write_table(table[:rows], path)
    dataset(filepath=path, most_hours=hours).load()
    pq.write_table(table, path)
    monkeypatch.delattr(pq.ParquetFile, "read")
    message = f"1.parquet says that it holds {rows + 1} rows, and at most {rows} are read at once"
    with pytest.raises(DatasetError, match=message):
        dataset(filepath=path, most_hours=hours).load()


@pytest.mark.parametrize("hours", [0, -1, None, True, "2", float("nan")])
def test_limits_that_make_no_sense_are_refused(hours):
    with pytest.raises(ValueError, match="most_hours must be a positive number, received"):
        EEGDataset(filepath="1.parquet", most_hours=hours)
