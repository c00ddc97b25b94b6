import json
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DatasetError

from hbac.datasets import NpyDataset, ParallelPartitionedDataset, StackedArrayDataset
from hbac.datasets.manifest import Manifest


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
    (hidden / "manifest.json").write_text(
        json.dumps({"complete": False, "partitions": {}, "pending": []})
    )
    lines = [json.dumps([name, *made]) for name, made in known.items()]
    (hidden / "journal.jsonl").write_text("\n".join(lines)[:-5])
    assert not numbers.exists()
    before = changed_at(tmp_path / "numbers")
    numbers.save({str(n): partial(ones, n) for n in (1, 2, 3)})
    after = changed_at(tmp_path / "numbers")
    assert [name for name in before if before[name] != after[name]] == ["3.npy"]
    assert numbers.exists()


@pytest.mark.parametrize("number", [-1, 1.5, "two"])
def test_the_number_of_tolerated_failures_must_be_whole(tmp_path, number):
    with pytest.raises(ValueError, match=f"tolerated_failures .* received {number!r}"):
        folder(tmp_path, tolerated_failures=number)


def test_the_failure_rate_must_be_a_share(tmp_path):
    with pytest.raises(ValueError, match="received 5"):
        folder(tmp_path, max_failure_rate=5)


def save(dataset, *numbers):
    dataset.save({str(n): partial(ones, n) for n in numbers})


@pytest.mark.parametrize("content", [b"", b"cut off"], ids=["empty", "cut off"])
def test_a_file_of_another_size_than_was_made_is_made_again(numbers, tmp_path, content):
    before = changed_at(tmp_path / "numbers")
    (tmp_path / "numbers/2.npy").write_bytes(content)
    assert not numbers.exists()
    save(numbers, 1, 2, 3)
    after = changed_at(tmp_path / "numbers")
    assert [name for name in before if after[name] != before[name]] == ["2.npy"]
    assert numbers.load()["2"]().tolist() == [1, 1]
    assert numbers.exists()


def test_a_folder_exists_only_where_all_that_was_made_is_there(numbers, tmp_path, caplog):
    for name in ("1", "3"):
        (tmp_path / f"numbers/{name}.npy").unlink()
    assert not numbers.exists()
    assert "numbers: 2 of 3 partitions that were made are gone or damaged, such as" in caplog.text
    assert numbers.is_readable()
    (tmp_path / "numbers/2.npy").unlink()
    assert not numbers.is_readable()


def test_files_that_came_from_elsewhere_are_there_if_any_is(tmp_path):
    np.save(tmp_path / "1.npy", np.ones(1))
    assert folder(tmp_path).exists()
    assert folder(tmp_path).is_readable()


def test_a_save_that_names_nothing_is_complete(tmp_path):
    folder(tmp_path).save({})
    assert folder(tmp_path).exists()
    assert folder(tmp_path).load() == {}


def test_partitions_that_are_no_longer_named_are_removed(numbers, tmp_path):
    before = changed_at(tmp_path / "numbers")
    save(numbers, 2)
    assert list(numbers.load()) == ["2"]
    assert changed_at(tmp_path / "numbers")["2.npy"] == before["2.npy"]
    assert numbers.exists()
    save(numbers, 1, 2)
    assert numbers.load()["1"]().tolist() == [1]


def test_only_what_was_made_here_is_removed(numbers, tmp_path):
    theirs = {"7": np.full(7, 7.0), "2": np.full(9, 2.0)}
    for name, array in theirs.items():
        np.save(tmp_path / f"numbers/{name}.npy", array)
    save(numbers, 1)
    loaded = numbers.load()
    assert list(loaded) == ["1", "2", "7"]
    for name, array in theirs.items():
        assert loaded[name]().tolist() == array.tolist()
    save(numbers, 1)
    assert list(numbers.load()) == ["1", "2", "7"]


def test_an_empty_file_of_a_partition_that_is_no_longer_named_is_removed(numbers, tmp_path):
    (tmp_path / "numbers/3.npy").write_bytes(b"")
    save(numbers, 1, 2)
    assert list(numbers.load()) == ["1", "2"]


def test_what_an_unfinished_save_wrote_is_removed_where_it_is_no_longer_named(tmp_path):
    dataset = folder(tmp_path, n_jobs=1, on_error="raise")
    (tmp_path / "9.npy").write_bytes(b"somebody's")
    with pytest.raises(DatasetError):
        dataset.save({"1": partial(ones, 1), "2": partial(ones, 2, fail=True), "9": ones})
    # As if the run had been killed before it said that 1 is finished.
    (tmp_path / ".hbac/journal.jsonl").unlink()
    np.save(tmp_path / "2.npy", np.ones(2))
    assert Manifest(LocalFileSystem(), str(tmp_path)).fingerprints() == {"1": "", "2": ""}
    save(dataset, 3)
    assert list(dataset.load()) == ["3", "9"]
    assert (tmp_path / "9.npy").read_bytes() == b"somebody's"


def test_of_a_manifest_of_an_earlier_version_the_names_are_known(numbers, tmp_path):
    earlier = {"complete": True, "partitions": dict.fromkeys("123", "0123456789abcdef")}
    (tmp_path / "numbers/.hbac/manifest.json").write_text(json.dumps(earlier))
    assert numbers.exists()
    before = changed_at(tmp_path / "numbers")
    save(numbers, 1, 2)
    assert list(numbers.load()) == ["1", "2"]
    assert changed_at(tmp_path / "numbers")["1.npy"] != before["1.npy"]


def test_a_manifest_that_was_cut_off_knows_nothing(numbers, tmp_path):
    manifest = tmp_path / "numbers/.hbac/manifest.json"
    for content in ("", "null", '{"complete": true, "parti', '{"complete": true}'):
        manifest.write_text(content)
        assert not numbers.exists()
        before = changed_at(tmp_path / "numbers")
        save(numbers, 1, 2, 3)
        after = changed_at(tmp_path / "numbers")
        assert all(after[name] != before[name] for name in before)
        assert numbers.exists()


@pytest.mark.parametrize(
    ("partition", "why"),
    [
        ("../escaped", "it holds '/'"),
        ("a/b", "it holds '/'"),
        ("/tmp/x", "it holds '/'"),
        (".hid", "it begins with a dot"),
        ("..", "it begins with a dot"),
        ("", "it is empty"),
        ("a\0b", r"it holds '\x00'"),
        ("x" * 218, "with .npy it has 222 bytes, more than 221"),
        ("\ud800", "it is no text in UTF-8"),
        (1.5, "text or whole numbers, received float"),
        (None, "text or whole numbers, received NoneType"),
        (True, "text or whole numbers, received bool"),
    ],
)
def test_an_id_that_is_no_name_of_a_file_is_refused_before_anything_is_written(
    tmp_path, partition, why
):
    dataset = folder(tmp_path / "out", n_jobs=1)
    with pytest.raises(DatasetError, match=f"out: .* is no id of a partition: .*{re.escape(why)}"):
        dataset.save({"1": partial(ones, 1), partition: partial(ones, 2)})
    assert list(tmp_path.rglob("*")) == []


def test_an_id_may_be_as_long_as_a_name_and_hold_what_a_name_may(tmp_path):
    ids = ["x" * 217, "a b", "a[1]", "ä", "~", "#?&%'\"", "-1", "a.b"]
    folder(tmp_path, n_jobs=1).save({name: partial(ones, 1) for name in ids})
    assert list(folder(tmp_path).load()) == sorted(ids)


def test_whole_numbers_are_ids(tmp_path):
    dataset = folder(tmp_path, n_jobs=1)
    dataset.save({1: partial(ones, 1), np.int64(2): partial(ones, 2)})
    before = changed_at(tmp_path)
    dataset.save({"1": partial(ones, 1), 2: partial(ones, 2)})
    assert changed_at(tmp_path) == before
    assert list(dataset.load()) == ["1", "2"]
    with pytest.raises(DatasetError, match="'1' is no id of a partition: two partitions have it"):
        dataset.save({"1": partial(ones, 1), 1: partial(ones, 1)})


def test_a_pattern_in_an_objects_name_removes_no_other():
    dataset = folder("memory:///patterns", n_jobs=1)
    dataset.save({name: partial(ones, 1) for name in ("a1", "a[1]", "b", "*")})
    dataset.save({name: partial(ones, 1) for name in ("a1", "b")})
    assert list(dataset.load()) == ["a1", "b"]


@pytest.mark.parametrize(("n", "n_failed"), [(10, 1), (10, 3), (2, 1), (100, 5)])
def test_few_failures_are_tolerated_whatever_their_share(tmp_path, n, n_failed):
    tasks = {str(k): partial(ones, 1, fail=k < n_failed) for k in range(n)}
    dataset = folder(tmp_path, n_jobs=1, max_failure_rate=0.05, tolerated_failures=3)
    dataset.save(tasks)
    assert len(dataset.load()) == n - n_failed
    assert dataset.exists()


@pytest.mark.parametrize(("n", "n_failed"), [(10, 4), (3, 3), (1, 1), (100, 6)])
def test_more_failures_or_all_end_the_run(tmp_path, n, n_failed):
    tasks = {str(k): partial(ones, 1, fail=k < n_failed) for k in range(n)}
    dataset = folder(tmp_path, n_jobs=1, max_failure_rate=0.05, tolerated_failures=3)
    limit = r"3 \(never all\)" if n_failed == n else "3"
    message = rf"{n_failed} of {n} partitions .* 0\.05 and tolerated_failures = {limit} allow"
    with pytest.raises(DatasetError, match=message):
        dataset.save(tasks)
    assert not dataset.exists()


def test_all_may_fail_where_that_is_allowed(tmp_path):
    dataset = folder(tmp_path, n_jobs=1, max_failure_rate=1)
    dataset.save({"1": partial(ones, 1, fail=True)})
    assert dataset.load() == {}


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


@pytest.mark.parametrize("content", [b"", b"cut off"], ids=["empty", "cut off"])
def test_a_stack_of_another_size_than_was_made_is_made_again(tmp_path, content):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    tasks = {row: partial(rows_of, 3, row) for row in range(4)}
    dataset.save(tasks)
    assert dataset.exists()
    (tmp_path / "stack.npy").write_bytes(content)
    assert not dataset.exists()
    dataset.save(tasks)
    assert dataset.exists()
    assert dataset.load()[:, 0].tolist() == [0, 1, 2, 3]


def test_a_stack_is_not_there_once_another_could_not_be_made(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    dataset.save({0: partial(rows_of, 3, 1)})
    with pytest.raises(DatasetError):
        dataset.save({0: partial(rows_of, 3, 1), 1: partial(rows_of, 4, 1)})
    assert not dataset.exists()


def test_a_row_whose_source_is_gone_is_named(numbers, tmp_path):
    source = folder(tmp_path / "numbers", n_jobs=1, identify_by="content").load()
    (tmp_path / "numbers/2.npy").unlink()
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    with pytest.raises(DatasetError, match=r"rows of \S*stack\.npy .*\n  2: .*numbers/2\.npy"):
        dataset.save(dict(source))


def test_rows_of_another_shape_are_refused(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    with pytest.raises(DatasetError, match=r"row 1 has shape \(4,\), the first has \(3,\)"):
        dataset.save({0: partial(rows_of, 3, 1), 1: partial(rows_of, 4, 1)})
    assert not dataset.exists()


def test_kinds_of_files_share_a_folder_and_leave_each_other_alone(tmp_path):
    first, second = (
        ParallelPartitionedDataset(
            path=str(tmp_path), dataset="hbac.datasets.NpyDataset", filename_suffix=suffix, n_jobs=1
        )
        for suffix in ("_a.npy", "_b.npy")
    )
    first.save({"1": partial(ones, 1), "2": partial(ones, 2)})
    second.save({"1": partial(ones, 3)})
    first.save({"2": partial(ones, 2)})
    assert {path.name for path in tmp_path.glob("*.npy")} == {"2_a.npy", "1_b.npy"}
    assert list(first.load()) == ["2"]
    assert second.exists()
    assert second.load()["1"]().size == 3
