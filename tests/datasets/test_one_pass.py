from functools import partial

import numpy as np
import pytest

from hbac.datasets import NpyDataset, OnePassDataset, ParallelPartitionedDataset
from hbac.datasets.folder import reading_once
from hbac.datasets.together import Together

KIND = {"dataset": "hbac.datasets.NpyDataset", "filename_suffix": ".npy", "n_jobs": 1}


def folder(path):
    return ParallelPartitionedDataset(path=str(path), **KIND)


def one_pass(path, **settings):
    beside = {"means": str(path / "means")}
    return OnePassDataset(path=str(path / "doubles"), beside=beside, **KIND | settings)


def double(load):
    return 2 * load()


def mean(load, scale=1):
    return scale * load().mean(keepdims=True)


def tasks(path, scale=1):
    return {
        name: Together(partial(double, load), {"means": partial(mean, load, scale)})
        for name, load in folder(path / "numbers").load().items()
    }


@pytest.fixture
def numbers(tmp_path):
    for n in range(4):
        NpyDataset(filepath=str(tmp_path / f"numbers/{n}.npy")).save(np.arange(n + 2.0))
    return tmp_path


@pytest.fixture
def read(monkeypatch):
    names, as_before = [], NpyDataset._read

    def watched(self, path):
        names.append("/".join(path.rsplit("/", 2)[1:]))
        return as_before(self, path)

    monkeypatch.setattr(NpyDataset, "_read", watched)
    return names


def contents(path):
    return {name: load().tolist() for name, load in folder(path).load().items()}


def test_both_folders_are_filled_and_each_source_is_read_once(numbers, read):
    one_pass(numbers).save(tasks(numbers))
    assert sorted(read) == [f"numbers/{n}.npy" for n in range(4)]
    assert contents(numbers / "doubles")["1"] == [0, 2, 4]
    assert contents(numbers / "means") == {"0": [0.5], "1": [1], "2": [1.5], "3": [2]}
    assert one_pass(numbers).load().keys() == contents(numbers / "doubles").keys()


def test_in_each_folder_only_what_is_missing_is_made(numbers):
    one_pass(numbers).save(tasks(numbers))
    before = {file: file.stat().st_mtime_ns for file in numbers.glob("*s/*.npy")}
    (numbers / "means/2.npy").unlink()
    (numbers / "doubles/0.npy").unlink()
    one_pass(numbers).save(tasks(numbers))
    after = {file: file.stat().st_mtime_ns for file in numbers.glob("*s/*.npy")}
    changed = {"/".join(file.parts[-2:]) for file in before if after[file] != before[file]}
    assert changed == {"means/2.npy", "doubles/0.npy"}


def test_a_folder_of_which_nothing_is_named_stays_as_it_is(numbers):
    one_pass(numbers).save(tasks(numbers))
    one_pass(numbers).save({name: one.task for name, one in tasks(numbers).items()})
    assert len(contents(numbers / "means")) == 4


def mean_from_three_on(load):
    numbers = load()
    return numbers.mean(keepdims=True) if len(numbers) > 2 else None


def of_some(path):
    return {
        name: Together(partial(double, load), {"means": partial(mean_from_three_on, load)})
        for name, load in folder(path / "numbers").load().items()
    }


def test_of_what_a_callable_returns_none_there_is_no_file_and_it_is_not_asked_again(
    numbers, read, caplog
):
    caplog.set_level("INFO")
    one_pass(numbers).save(of_some(numbers))
    assert "means: 1 came to nothing" in caplog.text
    assert sorted(contents(numbers / "means")) == ["1", "2", "3"]
    assert folder(numbers / "means").exists()
    read.clear()
    one_pass(numbers).save(of_some(numbers))
    assert read == []


def test_that_there_is_nothing_to_keep_of_a_file_is_forgotten_when_it_changes(numbers):
    one_pass(numbers).save(of_some(numbers))
    NpyDataset(filepath=str(numbers / "numbers/0.npy")).save(np.arange(5.0))
    NpyDataset(filepath=str(numbers / "numbers/1.npy")).save(np.arange(1.0))
    one_pass(numbers).save(of_some(numbers))
    assert contents(numbers / "means") == {"0": [2], "2": [1.5], "3": [2]}


def test_a_file_that_should_not_be_there_is_removed(numbers):
    one_pass(numbers).save(of_some(numbers))
    NpyDataset(filepath=str(numbers / "means/0.npy")).save(np.ones(1))
    assert not folder(numbers / "means").exists()
    one_pass(numbers).save(of_some(numbers))
    assert sorted(contents(numbers / "means")) == ["1", "2", "3"]


def test_nothing_more_is_made_of_a_file_that_failed(numbers, read, caplog):
    named = tasks(numbers)
    (numbers / "numbers/1.npy").write_bytes(b"no array")
    one_pass(numbers, max_failure_rate=0.5).save(named)
    assert read.count("numbers/1.npy") == 1
    assert sorted(contents(numbers / "means")) == sorted(contents(numbers / "doubles"))
    assert caplog.text.count("numbers/1.npy") == 1


def test_a_loader_knows_what_its_file_was_made_from(numbers):
    one_pass(numbers).save(tasks(numbers))
    means = folder(numbers / "means").load()
    assert all(means[name].was_made_by(one.beside["means"]) for name, one in tasks(numbers).items())
    others = tasks(numbers, scale=3)
    assert not any(means[name].was_made_by(one.beside["means"]) for name, one in others.items())
    source = folder(numbers / "numbers").load()["0"]
    assert not source.was_made_by(partial(double, source))


def test_a_file_is_given_again_as_it_was_read_within_the_block_alone(numbers, read):
    loads = [*folder(numbers / "numbers").load().values()]
    with reading_once():
        assert loads[0]() is loads[0]()
        for load in (*loads, *loads):
            load()
    loads[0]()
    assert read.count("numbers/0.npy") == 2
