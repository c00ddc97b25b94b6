import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import NpyDataset, ParallelPartitionedDataset, StackedArrayDataset
from hbac.datasets.fingerprint import code_version, task_fingerprint
from hbac.eeg.denoise import wavelet_denoise


def double(load, factor=2):
    return load() * factor


def ones(n, fail=False):
    if fail:
        raise ValueError(f"{n} is not to be")
    return np.ones(n)


def rows_of(n, value):
    return np.full(n, value, np.float16)


def folder(path, **settings):
    return ParallelPartitionedDataset(
        path=str(path), dataset="hbac.datasets.NpyDataset", filename_suffix=".npy", **settings
    )


@pytest.fixture
def numbers(tmp_path):
    dataset = folder(tmp_path / "numbers", n_jobs=1)
    dataset.save({str(n): partial(ones, n) for n in (1, 2, 3)})
    return dataset


def changed_at(path):
    return {entry.name: entry.stat().st_mtime_ns for entry in path.glob("*.npy")}


def test_every_partition_is_made_and_read_back(numbers, tmp_path):
    loaded = numbers.load()
    assert list(loaded) == ["1", "2", "3"]
    assert loaded["3"]().tolist() == [1, 1, 1]
    assert numbers.exists()


def test_work_in_processes_gives_the_same(numbers, tmp_path):
    doubled = folder(tmp_path / "doubled", n_jobs=2)
    doubled.save({name: partial(double, load) for name, load in numbers.load().items()})
    assert [load().tolist() for load in doubled.load().values()] == [[2], [2, 2], [2, 2, 2]]


def test_nothing_is_made_twice(numbers, tmp_path):
    before = changed_at(tmp_path / "numbers")
    numbers.save({str(n): partial(ones, n) for n in (1, 2, 3)})
    assert changed_at(tmp_path / "numbers") == before


def test_only_what_changed_is_made_again(numbers, tmp_path):
    doubled = folder(tmp_path / "doubled", n_jobs=1)

    def make(factor):
        doubled.save(
            {name: partial(double, load, factor=factor) for name, load in numbers.load().items()}
        )
        return changed_at(tmp_path / "doubled")

    first = make(2)
    NpyDataset(filepath=str(tmp_path / "numbers/2.npy")).save(np.full(4, 7.0))
    second = make(2)
    assert [name for name in first if first[name] != second[name]] == ["2.npy"]
    assert doubled.load()["2"]().tolist() == [14] * 4
    third = make(3)
    assert all(third[name] != second[name] for name in third)


def test_a_partition_that_was_deleted_is_made_again(numbers, tmp_path):
    (tmp_path / "numbers/2.npy").unlink()
    numbers.save({str(n): partial(ones, n) for n in (1, 2, 3)})
    assert list(numbers.load()) == ["1", "2", "3"]


def test_failures_are_set_aside_with_their_reason(tmp_path):
    table = tmp_path / "failures.csv"
    dataset = folder(
        tmp_path / "out",
        n_jobs=1,
        max_failure_rate=0.5,
        failures={"type": "pandas.CSVDataset", "filepath": str(table)},
    )
    dataset.save({"1": partial(ones, 1), "2": partial(ones, 2, fail=True)})
    assert list(dataset.load()) == ["1"]
    failure = pd.read_csv(table, dtype=str).iloc[0]
    assert failure["partition"] == "2"
    assert failure["reason"] == "2 is not to be"
    assert "raise ValueError" in failure["traceback"]
    dataset.save({"1": partial(ones, 1), "2": partial(ones, 2)})
    assert list(dataset.load()) == ["1", "2"]
    assert pd.read_csv(table).empty


def test_too_many_failures_end_the_run(tmp_path):
    dataset = folder(tmp_path / "out", n_jobs=1, max_failure_rate=0.4)
    with pytest.raises(DatasetError, match=r"1 of 2 partitions .*\n  2: 2 is not to be"):
        dataset.save({"1": partial(ones, 1), "2": partial(ones, 2, fail=True)})
    assert list(dataset.load()) == ["1"]
    assert not dataset.exists()


def test_a_missing_folder_is_empty(tmp_path):
    dataset = folder(tmp_path / "nowhere")
    assert dataset.load() == {}
    assert not dataset.exists()


def test_a_journal_that_was_cut_off_is_read_up_to_there(numbers, tmp_path):
    hidden = tmp_path / "numbers/.hbac"
    known = json.loads((hidden / "manifest.json").read_text())["partitions"]
    (hidden / "manifest.json").write_text(json.dumps({"complete": False, "partitions": {}}))
    lines = [json.dumps(entry) for entry in known.items()]
    (hidden / "journal.jsonl").write_text("\n".join(lines)[:-5])
    assert not numbers.exists()
    before = changed_at(tmp_path / "numbers")
    numbers.save({str(n): partial(ones, n) for n in (1, 2, 3)})
    after = changed_at(tmp_path / "numbers")
    assert [name for name in before if before[name] != after[name]] == ["3.npy"]
    assert numbers.exists()


def test_the_failure_rate_must_be_a_share(tmp_path):
    with pytest.raises(ValueError, match="received 5"):
        folder(tmp_path, max_failure_rate=5)


def test_fingerprints_agree_between_processes():
    task = "partial(wavelet_denoise, [3, {'b': 1, 'a': {4, 5, 6, 'x'}}], wavelet='db8')"
    code = (
        "from functools import partial; from hbac.eeg.denoise import wavelet_denoise; "
        f"from hbac.datasets.fingerprint import task_fingerprint as f; print(f({task}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_fingerprints_tell_parameters_apart():
    prints = {task_fingerprint(partial(wavelet_denoise, value)) for value in (1, 2, "1", None)}
    assert len(prints) == 4


def test_the_code_version_follows_imports_but_not_comments(tmp_path, monkeypatch):
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from sample.b import f\ng = f\n")

    def version(source):
        (package / "b.py").write_text(source)
        for name in ("sample", "sample.a", "sample.b"):
            sys.modules.pop(name, None)
        code_version.cache_clear()
        import importlib
        import linecache

        importlib.invalidate_caches()
        linecache.clearcache()
        return code_version("sample.a")

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    plain = version("def f(x):\n    return x + 1\n")
    assert version('def f(x):\n    "Add."\n    return x + 1  # one\n') == plain
    assert version("def f(x):\n    return x + 2\n") != plain


@pytest.mark.parametrize(("only_latest", "left"), [(False, ["1", "2", "3"]), (True, ["2"])])
def test_partitions_that_are_no_longer_named_stay_unless_only_the_latest_count(
    numbers, tmp_path, only_latest, left
):
    before = changed_at(tmp_path / "numbers")
    dataset = folder(tmp_path / "numbers", n_jobs=1, only_latest=only_latest)
    dataset.save({"2": partial(ones, 2)})
    assert list(dataset.load()) == left
    assert changed_at(tmp_path / "numbers")["2.npy"] == before["2.npy"]
    dataset.save({"1": partial(ones, 1), "2": partial(ones, 2)})
    assert dataset.load()["1"]().tolist() == [1]


def test_rows_are_stacked_in_order(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=2)
    dataset.save({row: partial(rows_of, 3, row) for row in range(5)})
    stack = dataset.load()
    assert isinstance(stack, np.memmap)
    assert stack.dtype == np.float16
    assert stack[:, 0].tolist() == [0, 1, 2, 3, 4]
    changed = (tmp_path / "stack.npy").stat().st_mtime_ns
    dataset.save({row: partial(rows_of, 3, row) for row in range(5)})
    assert (tmp_path / "stack.npy").stat().st_mtime_ns == changed
    dataset.save({row: partial(rows_of, 3, -row) for row in range(5)})
    assert dataset.load()[4, 0] == -4


def test_rows_are_stacked_elsewhere():
    dataset = StackedArrayDataset(filepath="memory://stacks/stack.npy", n_jobs=2)
    dataset.save({row: partial(rows_of, 3, row) for row in range(4)})
    assert dataset.load()[:, 0].tolist() == [0, 1, 2, 3]


def test_rows_of_another_shape_are_refused(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    with pytest.raises(DatasetError, match=r"row 1 has shape \(4,\), the first has \(3,\)"):
        dataset.save({0: partial(rows_of, 3, 1), 1: partial(rows_of, 4, 1)})
    assert list(tmp_path.iterdir()) == []
