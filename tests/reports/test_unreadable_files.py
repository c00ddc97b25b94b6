"""Files that are not what their name says: each is named by path, size and first bytes."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure

from hbac import datasets
from hbac.eeg import CHANNELS, Recording

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1274863\n"
PAGE = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>\n"
KINDS = {
    "EEGDataset": ("7.parquet", Recording(np.zeros((20, 10_000), np.float32), CHANNELS)),
    "NpyDataset": ("7.npy", np.zeros((300, 400), np.float32)),
    "RecordDataset": ("ensemble.json", {"networks": ["fold_0.compact"]}),
    "TableDataset": ("oof_predictions.parquet", pd.DataFrame({"eeg_id": [1, 2]})),
    "FigureDataset": ("7.png", Figure()),
}


def save(tmp_path, kind):
    name, data = KINDS[kind]
    dataset = getattr(datasets, kind)(filepath=str(tmp_path / name))
    dataset.save(data)
    return dataset, tmp_path / name


def check_is_named(dataset, path, *words):
    with pytest.raises(DatasetError) as error:
        dataset.load()
    message = str(error.value)
    assert message.startswith(f"{path} is not ")
    for word in words:
        assert word in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "remedy"),
    [(POINTER, "`git lfs pull`"), (PAGE, "web page"), (b"", "copy, download or make it again")],
    ids=["pointer", "page", "nothing"],
)
def test_a_file_that_stands_for_another_is_named(tmp_path, kind, content, remedy):
    dataset, path = save(tmp_path, kind)
    path.write_bytes(content)
    check_is_named(dataset, path, f"holds {len(content)} bytes", repr(content[:24]), remedy)


@pytest.mark.parametrize("kind", ["EEGDataset", "NpyDataset", "RecordDataset", "TableDataset"])
def test_a_file_that_was_cut_off_is_named(tmp_path, kind):
    dataset, path = save(tmp_path, kind)
    content = path.read_bytes()[:-7]
    path.write_bytes(content)
    check_is_named(dataset, path, f"holds {len(content)} bytes", repr(content[:24]), "cut off")


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_a_files_place_is_named(tmp_path, kind):
    dataset, path = save(tmp_path, kind)
    path.unlink()
    path.mkdir()
    check_is_named(dataset, path, "it is a folder")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    for kind, (name, _) in KINDS.items():
        dataset = getattr(datasets, kind)(filepath=str(tmp_path / name))
        with pytest.raises(DatasetError, match=rf"(?s)No such file.*{name}"):
            dataset.load()


def test_a_file_elsewhere_is_named_and_not_its_copy():
    dataset = datasets.NpyDataset(filepath="memory://pointers/7.npy")
    dataset.save(np.zeros(3))
    dataset._fs.pipe_file(dataset._filepath, POINTER)
    check_is_named(dataset, dataset._filepath, "`git lfs pull`")


def test_a_checkpoint_that_is_a_pointer_is_named_and_counts_as_none(tmp_path, caplog):
    path = Path(tmp_path, "fold_0.compact.npz")
    path.write_bytes(POINTER)
    assert datasets.CheckpointDataset(filepath=str(path)).load().load() is None
    assert str(path) in caplog.text
    assert "`git lfs pull`" in caplog.text
    assert "training begins anew" in caplog.text


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("no tensorflow"), ConnectionError("offline")]
)
def test_what_says_nothing_of_the_content_is_not_blamed_on_the_file(tmp_path, monkeypatch, error):
    dataset, _ = save(tmp_path, "NpyDataset")
    monkeypatch.setattr(dataset, "_read", Mock(side_effect=error))
    with pytest.raises(DatasetError) as raised:
        dataset.load()
    assert str(error) in str(raised.value)
    assert "begins with" not in str(raised.value)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_network_that_is_missing(tmp_path, is_link):
    path = tmp_path / "fold_0.compact.keras"
    if is_link:
        path.symlink_to(tmp_path / "withdrawn")
    with pytest.raises(DatasetError, match=r"fold_0\.compact\.keras is missing\. Train it by"):
        datasets.KerasModelDataset(filepath=str(path)).load()
