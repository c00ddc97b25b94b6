import os
import re
import shutil
import signal
import subprocess
from functools import partial
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DatasetError

from hbac.datasets import NpyDataset, ParallelPartitionedDataset, StackedArrayDataset
from hbac.datasets.eeg_file import MIN_SAMPLES
from hbac.datasets.manifest import Manifest
from hbac.eeg import CHANNELS
from hbac.eeg.regional import COLUMNS, WINDOW_ROWS
from tests.datasets.folders import folder


def quarantine(tmp_path, max_failure_rate=1.0):
    table = {"type": "pandas.CSVDataset", "filepath": str(tmp_path / "failures.csv")}
    return {"failures": table, "max_failure_rate": max_failure_rate}


def failures(tmp_path):
    table = pd.read_csv(tmp_path / "failures.csv", dtype=str)
    assert list(table.columns) == ["partition", "reason", "traceback"]
    return dict(zip(table["partition"], table["reason"], strict=True))


def double(load):
    return load() * 2


def doubled(source):
    return {name: partial(double, load) for name, load in source.load().items()}


def write_numbers(path, *numbers):
    for n in numbers:
        NpyDataset(filepath=str(path / f"{n}.npy")).save(np.full(3, n))
    return folder(path)


def spoil(path):
    path.write_bytes(b"no array")


def changed_at(path):
    return {file.stem: file.stat().st_mtime_ns for file in path.glob("[!.]*.npy")}


def hidden_files(path):
    return [file.name for file in path.rglob(".*") if file.is_file()]


def test_a_failure_ends_the_run_where_it_is_to_be_raised(tmp_path):
    source = write_numbers(tmp_path / "in", 1, 2, 3)
    spoil(tmp_path / "in/2.npy")
    dataset = folder(tmp_path / "out", on_error="raise", **quarantine(tmp_path))
    with pytest.raises(DatasetError) as error:
        dataset.save(doubled(source))
    assert re.search(r"out/2\.npy could not be made: \S*in/2\.npy is not", str(error.value))
    assert failures(tmp_path).keys() == {"2"}
    assert list(dataset.load()) == ["1"]
    assert not dataset.exists()
    before = changed_at(tmp_path / "out")
    write_numbers(tmp_path / "in", 2)
    dataset.save(doubled(source))
    assert list(dataset.load()) == ["1", "2", "3"]
    assert changed_at(tmp_path / "out")["1"] == before["1"]
    assert failures(tmp_path) == {}


def test_a_repaired_source_is_made_and_leaves_the_table(tmp_path):
    source = write_numbers(tmp_path / "in", 1, 2, 3, 4)
    spoil(tmp_path / "in/2.npy")
    spoil(tmp_path / "in/3.npy")
    dataset = folder(tmp_path / "out", **quarantine(tmp_path))
    dataset.save(doubled(source))
    assert list(dataset.load()) == ["1", "4"]
    assert failures(tmp_path).keys() == {"2", "3"}
    table = pd.read_csv(tmp_path / "failures.csv", dtype=str)
    assert table["traceback"].str.contains("in double\n").all()
    before = changed_at(tmp_path / "out")
    write_numbers(tmp_path / "in", 2)
    dataset.save(doubled(source))
    assert list(dataset.load()) == ["1", "2", "4"]
    assert failures(tmp_path).keys() == {"3"}
    assert changed_at(tmp_path / "out").items() > before.items()


def test_what_was_made_from_a_source_that_now_fails_is_removed(tmp_path):
    source = write_numbers(tmp_path / "in", 1, 2)
    dataset = folder(tmp_path / "out", **quarantine(tmp_path))
    dataset.save(doubled(source))
    spoil(tmp_path / "in/2.npy")
    dataset.save(doubled(source))
    assert list(dataset.load()) == ["1"]
    assert failures(tmp_path).keys() == {"2"}


def thing(n):
    return np.array([{n}])


def noise(seed, size=12_000):
    return np.random.default_rng(seed).random(size)


def test_a_result_that_cannot_be_stored_is_its_own_fault(tmp_path):
    dataset = folder(tmp_path / "out", **quarantine(tmp_path))
    dataset.save({"1": partial(thing, 1), "2": partial(noise, 2)})
    assert list(dataset.load()) == ["2"]
    assert failures(tmp_path).keys() == {"1"}
    assert hidden_files(tmp_path / "out") == []


def test_too_many_failures_name_the_first_and_where_all_are_listed(tmp_path):
    source = write_numbers(tmp_path / "in", *range(8))
    for n in range(5):
        spoil(tmp_path / f"in/{n}.npy")
    dataset = folder(tmp_path / "out", **quarantine(tmp_path, max_failure_rate=0.5))
    with pytest.raises(DatasetError) as error:
        dataset.save(doubled(source))
    message = str(error.value)
    assert re.search(
        r"5 of 8 partitions of \S*/out failed, more than max_failure_rate = 0\.5", message
    )
    assert re.search(r"listed in \S*failures\.csv", message)
    for n in range(3):
        assert re.search(rf"\n  {n}: \S*in/{n}\.npy is not an array", message)
    assert failures(tmp_path).keys() == {str(n) for n in range(5)}
    assert list(dataset.load()) == ["5", "6", "7"]
    spared = folder(tmp_path / "out", **quarantine(tmp_path, max_failure_rate=5 / 8))
    spared.save(doubled(source))
    assert spared.exists()


@pytest.mark.parametrize("setting", ["on_error", "identify_by"])
def test_an_unknown_setting_is_refused_by_name(tmp_path, setting):
    with pytest.raises(ValueError, match=rf"{setting} must be one of .*received 'ignore'"):
        folder(tmp_path, **{setting: "ignore"})


def eeg():
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 50, MIN_SAMPLES).astype(np.float32) for name in CHANNELS}


def regional():
    rng = np.random.default_rng(0)
    power = {name: 100 * rng.random(WINDOW_ROWS, np.float32) for name in COLUMNS}
    return {"time": np.arange(WINDOW_ROWS) * 2 + 1} | power


def samples(load):
    return load().data


def power(load):
    return load().T


def parquet(columns, names=None):
    arrays = [pa.array(values) for values in columns.values()]
    file = BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names=list(names or columns)), file)
    return file.getvalue()


def every(columns, change):
    return parquet({name: change(values) for name, values in columns.items()})


def one(columns, change):
    name = list(columns)[5]
    return parquet(columns | {name: change(columns[name])})


def with_value(columns, value, dtype=np.float32):
    return one(columns, lambda x: np.where(np.arange(len(x)) == 7, dtype(value), x.astype(dtype)))


def with_null(columns, dtype):
    return one(columns, lambda x: pa.array(x.astype(dtype), mask=np.arange(len(x)) == 7))


def repeated(columns):
    names = list(columns)
    return parquet(columns, [*names[:5], names[4], *names[6:]])


BAD = {
    "truncated": (lambda good: parquet(good)[:-1000], "not a readable parquet file"),
    "without_its_start": (lambda good: parquet(good)[-5000:], "not a readable parquet file"),
    "empty": (lambda good: b"", "not a readable parquet file; it holds 0 bytes"),
    "csv": (lambda good: pd.DataFrame(good).to_csv().encode(), "not a readable parquet file"),
    "text": (lambda good: one(good, lambda x: x.astype(str)), "must be numeric"),
    "truth": (lambda good: one(good, lambda x: x > 0), "must be numeric"),
    "repeated": (repeated, "more than once"),
    "missing": (lambda good: parquet(dict([*good.items()][:-1])), "lacks the columns"),
    "no_columns": (lambda good: parquet({}), "lacks the columns"),
    "short": (lambda good: every(good, lambda x: x[:-1]), "at least"),
    "no_rows": (lambda good: every(good, lambda x: x[:0]), "at least"),
    "all_nan": (lambda good: every(good, lambda x: x * np.float32("nan")), "no value"),
    "infinite": (lambda good: with_value(good, np.inf), "infinite value"),
    "minus_infinite": (lambda good: with_value(good, -np.inf), "infinite value"),
    "beyond_float32": (lambda good: with_value(good, 1e300, np.float64), "infinite value"),
}
GOOD = {
    "plain": parquet,
    "doubles": lambda good: every(good, lambda x: x.astype(np.float64)),
    "reversed": lambda good: parquet(dict(reversed(good.items()))),
    "nan": lambda good: with_value(good, np.nan),
    "null": lambda good: with_null(good, np.float32),
    "integers": lambda good: every(good, lambda x: x.astype(np.int16)),
    "null_among_integers": lambda good: with_null(good, np.int32),
}


def read_raw(tmp_path, dataset, task, files):
    """Read raw files in parallel; return what came of them and why others were set aside."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for name, content in files.items():
        (raw / f"{name}.parquet").write_bytes(content)
    source = ParallelPartitionedDataset(
        path=str(raw), dataset=f"hbac.datasets.{dataset}", filename_suffix=".parquet"
    )
    out = folder(tmp_path / "out", n_jobs=2, **quarantine(tmp_path))
    out.save({name: partial(task, load) for name, load in source.load().items()})
    assert out.exists()
    return {name: load() for name, load in out.load().items()}, failures(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "columns", "names", "task"),
    [
        ("EEGDataset", eeg, CHANNELS, samples),
        ("RegionalSpectrogramDataset", regional, COLUMNS, power),
    ],
)
def test_broken_raw_files_are_set_aside_and_the_good_ones_read(
    tmp_path, dataset, columns, names, task
):
    good = columns()
    files = {kind: make(good) for kind, (make, _) in BAD.items()}
    files |= {kind: make(good) for kind, make in GOOD.items()}
    made, reasons = read_raw(tmp_path, dataset, task, files)
    assert made.keys() == GOOD.keys()
    assert reasons.keys() == BAD.keys()
    for kind, (_, reason) in BAD.items():
        assert re.search(rf"raw/{kind}\.parquet\b.*{reason}", reasons[kind]), reasons[kind]
    plain = np.stack([good[name] for name in names])
    gap = names.index(list(good)[5]), 7
    with_gap = plain.copy()
    with_gap[gap] = np.nan
    rounded = with_gap.copy()
    rounded[gap[0]] = np.trunc(rounded[gap[0]])
    expected = {
        "plain": plain,
        "doubles": plain,
        "reversed": plain,
        "nan": with_gap,
        "null": with_gap,
        "integers": np.trunc(plain),
        "null_among_integers": rounded,
    }
    for kind, array in made.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[kind], kind)


def test_a_voltage_beyond_any_amplifier_is_set_aside(tmp_path):
    files = {"7": with_value(eeg(), 1e30), "8": with_value(eeg(), -1e30), "9": parquet(eeg())}
    made, reasons = read_raw(tmp_path, "EEGDataset", samples, files)
    assert made.keys() == {"9"}
    for name in ("7", "8"):
        reason = rf"raw/{name}\.parquet: column '{CHANNELS[5]}' reaches 1e\+30 microvolts"
        assert re.search(reason, reasons[name])


def test_a_huge_power_is_kept_as_it_is(tmp_path):
    files = {"7": with_value(regional(), 1e30)}
    made, reasons = read_raw(tmp_path, "RegionalSpectrogramDataset", power, files)
    assert reasons == {}
    assert made["7"].max() == np.float32(1e30)


def test_a_source_that_vanished_is_named(tmp_path):
    source = write_numbers(tmp_path / "in", 1, 2)
    tasks = doubled(source)
    (tmp_path / "in/1.npy").unlink()
    folder(tmp_path / "out", **quarantine(tmp_path)).save(tasks)
    assert re.search(r"in/1\.npy", failures(tmp_path)["1"])


def deadly(n, attempts, culprits, n_deaths):
    with open(f"{attempts}/{n}", "a") as file:
        file.write("x")
    if n in culprits and os.path.getsize(f"{attempts}/{n}") <= n_deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.full(3, n)


def deadly_tasks(tmp_path, culprits, n_deaths):
    attempts = tmp_path / "attempts"
    attempts.mkdir()
    return {str(n): partial(deadly, n, str(attempts), culprits, n_deaths) for n in range(12)}


def n_attempts(tmp_path, n):
    return (tmp_path / f"attempts/{n}").stat().st_size


def test_a_file_that_kills_its_worker_is_tried_twice_and_costs_no_other(tmp_path):
    dataset = folder(tmp_path / "out", n_jobs=2, **quarantine(tmp_path))
    dataset.save(deadly_tasks(tmp_path, culprits=(3, 8), n_deaths=99))
    assert failures(tmp_path).keys() == {"3", "8"}
    assert all("worker process was killed" in reason for reason in failures(tmp_path).values())
    assert [n_attempts(tmp_path, n) for n in (3, 8)] == [2, 2]
    made = {name: load().tolist() for name, load in dataset.load().items()}
    assert made == {str(n): [n] * 3 for n in range(12) if n not in (3, 8)}
    assert dataset.exists()
    assert hidden_files(tmp_path / "out") == []


def test_a_file_whose_worker_is_killed_once_is_made_at_the_second_try(tmp_path):
    dataset = folder(tmp_path / "out", n_jobs=2, **quarantine(tmp_path))
    dataset.save(deadly_tasks(tmp_path, culprits=(5,), n_deaths=1))
    assert failures(tmp_path) == {}
    assert n_attempts(tmp_path, 5) == 2
    assert [load()[0] for load in dataset.load().values()] == sorted(range(12), key=str)


def test_a_stack_whose_worker_is_killed_is_not_there(tmp_path):
    (tmp_path / "stacks").mkdir()
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stacks/all.npy"), n_jobs=2)
    with pytest.raises(DatasetError, match=r"rows of \S*all\.npy .*\n  2: the worker process was"):
        dataset.save(deadly_tasks(tmp_path, culprits=(2,), n_deaths=99))
    assert not dataset.exists()
    assert list((tmp_path / "stacks").glob("[!.]*")) == []


def mount(*arguments):
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("a small disk can only be mounted by root")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk could not be mounted: {done.stderr}")


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path))
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def enlarge(path):
    mount("-o", "remount,size=8m", str(path))


def check_that_all_are_whole(dataset):
    for name, load in dataset.load().items():
        np.testing.assert_array_equal(load(), noise(int(name)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_ends_the_run_and_blames_no_partition(small_disk, tmp_path, n_jobs):
    out = small_disk / "out"
    dataset = folder(out, n_jobs=n_jobs, **quarantine(tmp_path))
    tasks = {str(n): partial(noise, n) for n in range(30)}
    with pytest.raises(DatasetError, match="No space left on device") as error:
        dataset.save(tasks)
    assert re.search(r"disk/out/\d+\.npy could not be written", str(error.value))
    recorded = Manifest(LocalFileSystem(), str(out)).read().made
    before = {name: changed for name, changed in changed_at(out).items() if name in recorded}
    assert 5 < len(before) < 11
    check_that_all_are_whole(dataset)
    assert hidden_files(out) == []
    assert not (tmp_path / "failures.csv").exists()
    assert not dataset.exists()
    enlarge(small_disk)
    dataset.save(tasks)
    assert len(dataset.load()) == 30
    check_that_all_are_whole(dataset)
    assert changed_at(out).items() > before.items()
    assert failures(tmp_path) == {}


def test_a_disk_that_is_full_from_the_start_is_named(small_disk, tmp_path):
    (small_disk / "ballast").write_bytes(bytes(2**20))
    dataset = folder(small_disk / "out", **quarantine(tmp_path))
    with pytest.raises(DatasetError, match=r"(?s)disk/out.*No space left on device"):
        dataset.save({"1": partial(noise, 1)})
    (small_disk / "ballast").unlink()
    dataset.save({"1": partial(noise, 1)})
    check_that_all_are_whole(dataset)
    assert dataset.exists()


def test_a_stack_that_does_not_fit_leaves_nothing(small_disk):
    dataset = StackedArrayDataset(filepath=str(small_disk / "all.npy"), n_jobs=2)
    tasks = {n: partial(noise, n) for n in range(30)}
    with pytest.raises(DatasetError, match=r"(?s)disk/all\.npy.*No space left on device"):
        dataset.save(tasks)
    assert list(small_disk.iterdir()) == []
    enlarge(small_disk)
    dataset.save(tasks)
    np.testing.assert_array_equal(dataset.load(), [noise(n) for n in range(30)])


def test_a_stack_whose_record_does_not_fit_is_made_again(small_disk):
    # With its header of 128 bytes the file fills the disk to the last byte.
    size = (2**20 - 128) // 8
    dataset = StackedArrayDataset(filepath=str(small_disk / "all.npy"), n_jobs=1)
    with pytest.raises(DatasetError, match="No space left on device"):
        dataset.save({0: partial(noise, 0, size)})
    enlarge(small_disk)
    dataset.save({0: partial(noise, 0, size)})
    assert dataset.load().shape == (1, size)
