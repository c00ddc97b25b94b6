"""Ten minutes that a label places where its spectrogram file has none, and files out of order."""

import logging

import numpy as np
import pandas as pd
import pytest

from hbac.datasets import (
    EEGDataset,
    NpyDataset,
    ParallelPartitionedDataset,
    RegionalSpectrogramDataset,
)
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.regional import COLUMNS
from hbac.pipelines.conversion.nodes import convert_spectrograms
from hbac.pipelines.modeling.input_nodes import locate_spectrograms, locate_training_spectrograms

NO_FAILURES = pd.DataFrame({"partition": []})
N_ROWS = 350
LAST = 2 * (N_ROWS - 300)
"""The last offset of which 10 minutes are left in a file of 700 s."""


def table(order=None):
    power = np.random.default_rng(0).random((N_ROWS, len(COLUMNS)), np.float32)
    frame = pd.DataFrame(power, columns=list(COLUMNS))
    frame.insert(0, "time", 2 * np.arange(N_ROWS) + 1)
    return frame if order is None else frame.iloc[order]


def convert(folder, files):
    """Take spectrogram files through ``conversion``; return arrays and failures."""
    for name, frame in files.items():
        RegionalSpectrogramDataset(filepath=f"{folder}/raw/{name}.parquet").save(frame)
    raw, arrays = (
        ParallelPartitionedDataset(
            path=f"{folder}/{part}",
            dataset=f"hbac.datasets.{dataset}",
            filename_suffix=suffix,
            n_jobs=1,
            max_failure_rate=1,
            failures={"type": "pandas.CSVDataset", "filepath": f"{folder}/failures.csv"},
        )
        for part, dataset, suffix in (
            ("raw", "RegionalSpectrogramDataset", ".parquet"),
            ("arrays", "NpyDataset", ".npy"),
        )
    )
    arrays.save(convert_spectrograms(raw.load()))
    return arrays.load(), pd.read_csv(f"{folder}/failures.csv")


@pytest.fixture(scope="module")
def spectrograms(tmp_path_factory):
    return convert(tmp_path_factory.mktemp("spectrograms"), {"11": table()})[0]


def windows(*offsets, spectrogram_id=11):
    return pd.DataFrame(
        {
            "eeg_id": range(len(offsets)),
            "window": 0,
            "spectrogram_id": spectrogram_id,
            "eeg_offset_seconds": 0.0,
            "spectrogram_offset_seconds": offsets,
        }
    )


def eegs(table):
    return {str(eeg_id): pytest.fail for eeg_id in table["eeg_id"]}


def test_a_window_beyond_its_file_is_set_aside_with_file_and_value(spectrograms, caplog):
    asked = windows(0.0, LAST, LAST + 2, LAST + 4, 50_000.0, np.nan)
    located, lost = locate_spectrograms(asked, eegs(asked), spectrograms, eegs(asked), NO_FAILURES)
    assert located["eeg_id"].tolist() == [0, 1, 2, 5]
    assert set(located["spectrogram_source"]) == {"file"}
    assert located.index.tolist() == [0, 1, 2, 3]
    assert lost["eeg_id"].tolist() == [3, 4]
    reason = "spectrogram 11 holds 700 s, not 10 minutes from second 50000"
    assert lost["reason"].tolist()[1] == reason
    assert "2 of 6 windows are set aside" in caplog.text
    assert reason in caplog.text


def test_windows_in_their_files_leave_an_empty_table(spectrograms, caplog):
    asked = windows(0.0, LAST)
    with caplog.at_level(logging.WARNING):
        _, lost = locate_spectrograms(asked, eegs(asked), spectrograms, eegs(asked), NO_FAILURES)
    assert list(lost) == ["eeg_id", "window", "reason"]
    assert lost.empty
    assert caplog.text == ""


def test_training_ends_where_no_window_is_in_its_file(spectrograms):
    asked = windows(50_000.0, 60_000.0)
    inputs = (asked, eegs(asked), spectrograms, eegs(asked), NO_FAILURES)
    with pytest.raises(ValueError, match=r"none of 2 windows .* 11 holds 700 s.* second 50000"):
        locate_training_spectrograms(*inputs)


def test_lengths_are_asked_of_the_files_headers_once_a_file(tmp_path, spectrograms, monkeypatch):
    data = np.zeros((len(CHANNELS), 700 * 200), np.float32)
    EEGDataset(filepath=str(tmp_path / "7.parquet")).save(Recording(data, CHANNELS))
    loaders = ParallelPartitionedDataset(
        path=str(tmp_path), dataset="hbac.datasets.EEGDataset", filename_suffix=".parquet"
    ).load()
    asked = []
    length = EEGDataset.length
    monkeypatch.setattr(EEGDataset, "length", lambda *file: asked.append(file) or length(*file))
    for dataset in (EEGDataset, NpyDataset):
        monkeypatch.setattr(dataset, "_read", pytest.fail)
    many = windows(*[0.0] * 50, spectrogram_id=-1)
    many = many.assign(eeg_id=7, window=range(50), eeg_offset_seconds=10.0 * np.arange(50))
    located, _ = locate_spectrograms(many, loaders, spectrograms, loaders, NO_FAILURES)
    covered = (many["eeg_offset_seconds"] + 25).between(300, 400)
    assert (located["spectrogram_source"] == np.where(covered, "computed", "empty")).all()
    assert len(asked) == 1
    placed = windows(2.0, 4.0, LAST + 4)
    located, lost = locate_spectrograms(
        placed, eegs(placed), spectrograms, eegs(placed), NO_FAILURES
    )
    assert (len(located), len(lost)) == (2, 1)


def test_rows_are_read_in_the_order_of_their_times_and_gaps_stay_gaps(tmp_path):
    order = np.random.default_rng(1).permutation(N_ROWS)
    kept = np.delete(np.arange(N_ROWS), [5, 6, 300])
    files = {"1": table(), "2": table(order), "3": table(kept)}
    arrays, failures = convert(tmp_path, files)
    assert failures.empty
    whole = arrays["1"]()
    np.testing.assert_array_equal(whole, table()[list(COLUMNS)])
    np.testing.assert_array_equal(arrays["2"](), whole)
    assert np.isnan(arrays["3"]()[[5, 6, 300]]).all()
    np.testing.assert_array_equal(arrays["3"]()[kept], whole[kept])


def test_a_file_whose_times_tell_nothing_is_set_aside_by_name(tmp_path):
    files = {"1": table(), "2": table().assign(time=1), "3": table().assign(time=range(N_ROWS))}
    arrays, failures = convert(tmp_path, files)
    assert list(arrays) == ["1"]
    assert failures["partition"].tolist() == [2, 3]
    for name, reason in zip("23", failures["reason"], strict=True):
        assert f"{tmp_path}/raw/{name}.parquet: time must rise by 2 s a row" in reason
