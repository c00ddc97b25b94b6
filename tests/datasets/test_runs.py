from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import (
    BytesDataset,
    ParallelPartitionedDataset,
    RecordDataset,
    RunsDataset,
    StackedArraysDataset,
    TableDataset,
)

TABLES = {
    "05_model_input/model_windows": "windows",
    "07_model_output/oof_predictions": "predictions",
    "07_model_output/network_predictions": "network_predictions",
}


def write_run(folder, number):
    """The files of a finished run; what is in them tells them apart."""
    RecordDataset(filepath=f"{folder}/06_models/ensemble.json").save({"number": number})
    for path, name in TABLES.items():
        table = pd.DataFrame({name: [number]})
        TableDataset(filepath=f"{folder}/{path}.parquet").save(table)
    network = BytesDataset(filepath=f"{folder}/06_models/fold_0.compact.keras")
    network.save(bytes([number, 7]))
    return str(folder)


def test_runs_are_read_by_the_shortest_names_that_tell_them_apart(tmp_path):
    folders = [write_run(tmp_path / name, number) for number, name in enumerate(("a", "b/data"))]
    runs = RunsDataset(folders=folders).load()
    assert list(runs) == ["a", "data"]
    assert runs["data"].ensemble == {"number": 1}
    assert runs["data"].folder == folders[1]
    for name in TABLES.values():
        assert getattr(runs["data"], name)[name].tolist() == [1]
    assert {name: load() for name, load in runs["a"].networks.items()} == {
        "fold_0.compact": b"\x00\x07"
    }
    alike = [write_run(tmp_path / name / "my data", 0) for name in ("x", "y.z")]
    assert list(RunsDataset(folders=alike).load()) == ["x_my_data", "y_z_my_data"]


@pytest.mark.parametrize("folders", [[], ["a"], "a"])
def test_one_run_is_no_ensemble(folders):
    dataset = RunsDataset(folders=folders)
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"two members at least.*members=\[DIR,DIR\]"):
        dataset.load()


def test_an_ensemble_is_never_written_over_a_run(tmp_path):
    folders = [write_run(tmp_path / name, 0) for name in "abc"]
    for own in (folders[0], folders[2]):
        with pytest.raises(DatasetError, match="holds the networks of a run"):
            RunsDataset(folders=folders[:2], joined_in=f"{own}/06_models").load()
    joined = RecordDataset(filepath=f"{tmp_path}/joined/ensemble.json")
    dataset = RunsDataset(folders=folders[:2], joined_in=f"{tmp_path}/joined")
    assert len(dataset.load()) == 2
    joined.save({"members": {}})
    assert len(dataset.load()) == 2


def test_a_run_named_twice_is_refused(tmp_path):
    folder = write_run(tmp_path / "a", 0)
    with pytest.raises(DatasetError, match="different folders"):
        RunsDataset(folders=[folder, folder]).load()


def test_a_folder_that_is_no_finished_run_is_named_with_what_it_lacks(tmp_path):
    whole, part = (write_run(tmp_path / name, 0) for name in "ab")
    (tmp_path / "b/07_model_output/oof_predictions.parquet").unlink()
    with pytest.raises(DatasetError, match=r"/b is no finished run, as it lacks 07_model_output/o"):
        RunsDataset(folders=[whole, part]).load()


def test_networks_are_copied_once_and_again_when_they_change(tmp_path, caplog):
    folders = [write_run(tmp_path / name, number) for number, name in enumerate("ab")]

    def copy():
        runs = RunsDataset(folders=folders).load()
        copies = ParallelPartitionedDataset(
            path=f"{tmp_path}/copies",
            dataset="hbac.datasets.BytesDataset",
            filename_suffix=".keras",
            backend="sequential",
        )
        copies.save({name: run.networks["fold_0.compact"] for name, run in runs.items()})
        return {name: load() for name, load in copies.load().items()}

    with caplog.at_level("INFO"):
        assert copy() == {"a": b"\x00\x07", "b": b"\x01\x07"}
        BytesDataset(filepath=f"{folders[1]}/06_models/fold_0.compact.keras").save(b"new")
        assert copy() == {"a": b"\x00\x07", "b": b"new"}
    assert "copies: 1 of 2 partitions to make" in caplog.text


def test_stacks_are_as_many_as_the_data_say(tmp_path):
    dataset = StackedArraysDataset(path=str(tmp_path / "stacks"), backend="sequential")
    assert not dataset.exists()
    dataset.save(
        {"b": {0: lambda: np.zeros(3), 1: lambda: np.ones(3)}, "a": {0: lambda: np.zeros(2)}}
    )
    stacks = dataset.load()
    assert {name: stack.shape for name, stack in stacks.items()} == {"a": (1, 2), "b": (2, 3)}
    np.testing.assert_array_equal(stacks["b"], [[0, 0, 0], [1, 1, 1]])
    assert dataset.exists()
    dataset.save({})
    assert dataset.load() == {}
    assert dataset.exists()


def test_a_row_that_fails_in_one_stack_is_set_aside_for_all(tmp_path):
    table = {"type": "hbac.datasets.TableDataset", "filepath": str(tmp_path / "failures.csv")}
    dataset = StackedArraysDataset(
        path=str(tmp_path / "stacks"), failures=table, max_failure_rate=0.5, backend="sequential"
    )
    ones = {row: partial(np.ones, 2) for row in range(4)}
    dataset.save({"b": ones | {2: partial(np.loadtxt, "no such file")}, "a": ones})
    assert list(dataset.load()) == ["b", "a"]
    assert dataset.load()["b"][:, 0].tolist() == [1, 1, 0, 1]
    failures = pd.read_csv(tmp_path / "failures.csv")
    assert failures["partition"].tolist() == [2]
    assert "no such file" in failures["reason"][0]
