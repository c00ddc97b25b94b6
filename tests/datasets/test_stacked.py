import json
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import NpyDataset, ParallelPartitionedDataset, StackedArrayDataset
from hbac.datasets import stacked as module

N_ROWS = 40


def stack(path, **settings):
    settings = {"n_jobs": 1, **settings}
    return StackedArrayDataset(filepath=str(path / "stack.npy"), **settings)


def quarantine(path):
    table = {"type": "hbac.datasets.TableDataset", "filepath": str(path / "failures.csv")}
    return {"failures": table, "max_failure_rate": 0.5}


def failures(path):
    table = pd.read_csv(path / "failures.csv")
    return dict(zip(table["partition"], table["reason"], strict=True))


def named(path):
    """Rows that are to fail, or to kill their worker."""
    return json.loads(path.read_text()) if path.exists() else []


def made(row, path, scale=1):
    """A row of three numbers; which were made, and in which order, stands in a file."""
    with (path / "log").open("a") as file:
        file.write(f"{row}\n")
    if row in named(path / "deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if row in named(path / "bad"):
        raise ValueError(f"{row} is broken")
    return np.full(3, scale * row, np.float16)


def tasks(path, scales=None):
    scales = scales or {}
    return {row: partial(made, row, path, scale=scales.get(row, 1)) for row in range(N_ROWS)}


def spoil(path, *rows):
    (path / "bad").write_text(json.dumps(rows))


def newly_made(path):
    rows = [int(line) for line in (path / "log").read_text().split()]
    (path / "log").unlink()
    return rows


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_after_a_failure_at_the_last_row_a_save_goes_on_there(tmp_path, n_jobs):
    dataset = stack(tmp_path, n_jobs=n_jobs)
    spoil(tmp_path, N_ROWS - 1)
    with pytest.raises(DatasetError, match="39 is broken"):
        dataset.save(tasks(tmp_path))
    assert sorted(newly_made(tmp_path)) == [*range(N_ROWS)]
    assert not dataset.exists()
    spoil(tmp_path)
    dataset.save(tasks(tmp_path))
    assert newly_made(tmp_path) == [N_ROWS - 1]
    assert dataset.load()[:, 0].tolist() == [*range(N_ROWS)]
    assert list(tmp_path.glob(".*")) == []


def test_a_bad_row_is_set_aside_and_the_others_are_made(tmp_path):
    dataset = stack(tmp_path, **quarantine(tmp_path))
    spoil(tmp_path, 0, 7)
    dataset.save(tasks(tmp_path))
    assert dataset.exists()
    assert failures(tmp_path) == {0: "0 is broken", 7: "7 is broken"}
    expected = [0 if row == 7 else row for row in range(N_ROWS)]
    assert dataset.load()[:, 2].tolist() == expected


def test_a_bad_row_is_tried_again_by_every_save_and_leaves_the_table_once_it_is_mended(tmp_path):
    dataset = stack(tmp_path, **quarantine(tmp_path))
    spoil(tmp_path, 7)
    dataset.save(tasks(tmp_path))
    newly_made(tmp_path)
    dataset.save(tasks(tmp_path))
    assert newly_made(tmp_path) == [7]
    assert failures(tmp_path) == {7: "7 is broken"}
    spoil(tmp_path)
    dataset.save(tasks(tmp_path))
    assert newly_made(tmp_path) == [7]
    assert failures(tmp_path) == {}
    assert dataset.load()[:, 0].tolist() == [*range(N_ROWS)]
    dataset.save(tasks(tmp_path))
    assert not (tmp_path / "log").exists()


def test_rows_that_are_to_be_made_from_something_else_are_made_alone(tmp_path):
    dataset = stack(tmp_path)
    dataset.save(tasks(tmp_path))
    newly_made(tmp_path)
    dataset.save(tasks(tmp_path, scales={3: 5, 30: 2}))
    assert sorted(newly_made(tmp_path)) == [3, 30]
    assert dataset.load()[[2, 3, 30], 0].tolist() == [2, 15, 60]


def test_a_row_that_was_overwritten_is_not_taken_for_what_it_was(tmp_path):
    dataset = stack(tmp_path)
    spoil(tmp_path, 20)
    with pytest.raises(DatasetError):
        dataset.save(tasks(tmp_path))
    with pytest.raises(DatasetError):
        dataset.save(tasks(tmp_path, scales={3: 5}))
    newly_made(tmp_path)
    spoil(tmp_path)
    dataset.save(tasks(tmp_path))
    assert sorted(newly_made(tmp_path)) == [3, 20]
    assert dataset.load()[:, 0].tolist() == [*range(N_ROWS)]


def test_another_number_of_rows_is_stacked_anew(tmp_path):
    dataset = stack(tmp_path)
    dataset.save(tasks(tmp_path))
    fewer = {row: task for row, task in tasks(tmp_path).items() if row > 1}
    dataset.save(fewer)
    assert dataset.load()[:, 0].tolist() == [*range(2, N_ROWS)]
    assert list(tmp_path.glob(".*")) == []


def test_a_stack_of_which_no_row_can_be_made_says_why(tmp_path):
    spoil(tmp_path, *range(N_ROWS))
    with pytest.raises(DatasetError, match=r"no row of \S*stack.npy could be made; .*0 is broken"):
        stack(tmp_path, max_failure_rate=1.0).save(tasks(tmp_path))


def test_a_failure_ends_the_run_where_it_is_to_be_raised(tmp_path):
    spoil(tmp_path, 7)
    dataset = stack(tmp_path, on_error="raise", **quarantine(tmp_path))
    with pytest.raises(DatasetError, match=r"row 7 of \S*stack.npy could not be made: 7 is broken"):
        dataset.save(tasks(tmp_path))
    assert failures(tmp_path) == {7: "7 is broken"}


def die_at(path, row):
    """A process that is killed as it makes a row, and notes every block."""
    code = (
        "import sys; from pathlib import Path; from tests.datasets import test_stacked as test;"
        "test.module._SECONDS_BETWEEN_FLUSHES = 0.0; path = Path(sys.argv[1]);"
        "test.stack(path).save(test.tasks(path))"
    )
    (path / "deadly").write_text(json.dumps([row]))
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (path / "deadly").unlink()


def test_a_save_that_is_killed_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(module.joblib, "cpu_count", lambda: 1)
    die_at(tmp_path, N_ROWS - 1)
    assert not stack(tmp_path).exists()
    newly_made(tmp_path)
    stack(tmp_path).save(tasks(tmp_path))
    again = newly_made(tmp_path)
    assert again[-1] == N_ROWS - 1
    assert len(again) < N_ROWS / 2
    assert stack(tmp_path).load()[:, 0].tolist() == [*range(N_ROWS)]


def test_rows_are_noted_only_after_they_are_on_the_disk(tmp_path, monkeypatch):
    flushed, noted = [], []
    fsync, record = os.fsync, module.UnfinishedStack.record

    def watched_fsync(descriptor):
        flushed.append(os.path.realpath(f"/dev/fd/{descriptor}").rpartition("/")[2])
        return fsync(descriptor)

    def watched_record(self, rows):
        flushed.clear()
        record(self, rows)
        noted.append((len(rows), [*flushed]))

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(module.UnfinishedStack, "record", watched_record)
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_FLUSHES", 0.0)
    stack(tmp_path).save(tasks(tmp_path))
    of_rows = [names for n_rows, names in noted if n_rows]
    assert len(of_rows) > 2
    assert all(names == [".stack.npy.unfinished"] for names in of_rows)


def mean(load):
    return load().mean(keepdims=True)


def test_a_file_is_read_once_for_the_rows_of_a_block(tmp_path, monkeypatch):
    for name in "ab":
        NpyDataset(filepath=str(tmp_path / f"in/{name}.npy")).save(np.arange(4.0))
    kind = {"dataset": "hbac.datasets.NpyDataset", "filename_suffix": ".npy"}
    loads = ParallelPartitionedDataset(path=str(tmp_path / "in"), **kind).load()
    read = []
    monkeypatch.setattr(
        NpyDataset, "_read", lambda self, path: read.append(path[-5:]) or np.arange(4.0)
    )
    monkeypatch.setattr(module, "_BLOCKS_PER_CPU", 0.1 / module.joblib.cpu_count())
    stack(tmp_path).save({row: partial(mean, loads["ab"[row // 5]]) for row in range(10)})
    assert read == ["a.npy", "a.npy", "b.npy"]
