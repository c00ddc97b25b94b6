import errno
import gc
import hashlib
import importlib
import itertools
import json
import linecache
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import DatasetError

from hbac.datasets import NpyDataset, StackedArrayDataset
from hbac.datasets import file as file_dataset
from hbac.datasets.code import _find, code_version
from hbac.datasets.manifest import Manifest, _Journal
from tests.datasets.folders import folder

PROJECT = Path(__file__).parents[2]
SHAPE = (100_000,)
LEFTOVER = "0123456789abcdef" * 2


def full(n, value=1):
    return np.full(n, value)


def ignore(*_):
    pass


def scaled(load, factor=2):
    return load() * factor


def slow_noise(seed, scale):
    time.sleep(0.004 * (seed % 5))
    # An array with gaps takes longer to write: a half-written file would be seen.
    return scale * np.random.default_rng(seed).random((*SHAPE, 2))[:, 0]


def save_slowly(path, scale=1, n_jobs=2):
    tasks = {f"{n:02}": partial(slow_noise, n, scale) for n in range(30)}
    folder(path, n_jobs=n_jobs).save(tasks)


@contextmanager
def saving_slowly_until_killed(path, scale=1):
    """Save in another process, which is killed with all of its workers at the block's end."""
    code = "from tests.datasets.test_resume import save_slowly as save; save({!r}, {})"
    run = subprocess.Popen(
        [sys.executable, "-c", code.format(str(path), scale)],
        cwd=PROJECT,
        env=os.environ | dict.fromkeys(("TMPDIR", "JOBLIB_TEMP_FOLDER"), str(path.parent)),
        start_new_session=True,
    )
    try:
        yield run
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        # What a killed run cannot clear away itself.
        for semaphore in Path("/dev/shm").glob(f"sem.loky-{run.pid}-*"):
            semaphore.unlink()


def check_that_visible_files_are_whole(path):
    for file in path.glob("*.npy"):
        if not file.name.startswith("."):
            assert np.load(file, mmap_mode="r").shape == SHAPE


def wait_until(reached, run, path):
    deadline = time.monotonic() + 60
    while not reached():
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        check_that_visible_files_are_whole(path)
        time.sleep(0.001)


def changed_at(path):
    files = path.glob("*.npy")
    return {file.stem: file.stat().st_mtime_ns for file in files if file.name[0] != "."}


def remade(before, path):
    after = changed_at(path)
    return sorted(name for name in after if after[name] != before.get(name))


def recorded(path):
    return set(Manifest(LocalFileSystem(), str(path)).read().made)


def contents(path):
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("resume") / "undisturbed"
    save_slowly(path)
    return path


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_was(undisturbed, tmp_path):
    path = tmp_path / "killed"
    kept = {}
    for n_files in (2, 11, 23):
        with saving_slowly_until_killed(path) as run:
            wait_until(lambda n=n_files: len(changed_at(path)) >= n, run, path)
        check_that_visible_files_are_whole(path)
        assert not folder(path).exists()
        now = changed_at(path)
        assert {name: now[name] for name in kept} == kept
        kept = {name: now[name] for name in recorded(path)}
    assert len(kept) > 10
    save_slowly(path)
    assert not kept.keys() & set(remade(now, path))
    assert contents(path) == contents(undisturbed)
    assert folder(path).exists()


def test_what_a_killed_run_made_is_not_taken_for_what_was_there_before(undisturbed, tmp_path):
    path = tmp_path / "killed"
    save_slowly(path)
    before = changed_at(path)
    with saving_slowly_until_killed(path, scale=2) as run:
        wait_until(lambda: remade(before, path), run, path)
        # A stopped run records nothing, while its workers finish what they are at.
        os.kill(run.pid, signal.SIGSTOP)
        time.sleep(0.3)
    assert 0 < len(remade(before, path)) < 30
    save_slowly(path)
    assert contents(path) == contents(undisturbed)


@pytest.mark.parametrize("leftover", [f".07.{LEFTOVER}.npy", f".hbac/.manifest.{LEFTOVER}.json"])
def test_unfinished_files_of_a_killed_run_are_removed(tmp_path, leftover):
    folder(tmp_path).save({"1": partial(full, 3)})
    (tmp_path / leftover).write_bytes(b"half")
    folder(tmp_path).save({"1": partial(full, 3)})
    assert sorted(contents(tmp_path)) == [".hbac/manifest.json", "1.npy"]


def test_an_unfinished_stack_of_a_killed_run_is_removed(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    (tmp_path / f".stack.{LEFTOVER}.npy").write_bytes(b"half")
    dataset.save({0: partial(full, 3)})
    assert sorted(contents(tmp_path)) == ["stack.npy", "stack.npy.made_from"]


def test_a_stack_whose_record_was_cut_off_is_made_again(tmp_path):
    dataset = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    dataset.save({0: partial(full, 3)})
    undisturbed = contents(tmp_path)
    (tmp_path / "stack.npy.made_from").write_text("")
    dataset.save({0: partial(full, 3)})
    assert contents(tmp_path) == undisturbed


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:9],
        lambda line: b"\xff\xfe\x00\x80" + line,
        lambda line: line[:9] + b"\n" + line[20:],
        lambda line: b"17",
        lambda line: b"null",
        lambda line: b'["2"]',
    ],
    ids=["cut off", "garbage", "torn", "a number", "null", "no fingerprint"],
)
def test_a_damaged_line_of_the_journal_costs_its_partition_alone(tmp_path, damage):
    tasks = {str(n): partial(full, n) for n in (1, 2, 3)}
    folder(tmp_path).save(tasks)
    manifest = tmp_path / ".hbac/manifest.json"
    undisturbed = contents(tmp_path)
    known = json.loads(manifest.read_text())["partitions"]
    lines = [json.dumps([name, *made]).encode() for name, made in known.items()]
    lines[1] = damage(lines[1])
    manifest.unlink()
    (tmp_path / ".hbac/journal.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    before = changed_at(tmp_path)
    folder(tmp_path).save(tasks)
    assert remade(before, tmp_path) == ["2"]
    assert contents(tmp_path) == undisturbed


def chain(tmp_path, identify_by="modified", factors=(), changes=()):
    """Run two steps on three source files; return what each made again."""
    source = folder(tmp_path / "source", identify_by=identify_by)
    if not source.exists():
        source.save({str(n): partial(full, 4, n) for n in (1, 2, 3)})
    steps = [folder(tmp_path / name, identify_by=identify_by) for name in ("first", "second")]
    made = []
    for step, before_it in zip(steps, [source, *steps], strict=False):
        path = Path(step._path)
        before = changed_at(path)
        own = dict(factors) if step is steps[0] else {}
        step.save(
            {
                name: partial(scaled, load, factor=own.get(name, 2))
                for name, load in before_it.load().items()
            }
        )
        made.append(remade(before, path))
    return made


def test_a_changed_parameter_makes_exactly_the_affected_files_again(tmp_path):
    assert chain(tmp_path) == [["1", "2", "3"]] * 2
    assert chain(tmp_path) == [[], []]
    assert chain(tmp_path, factors={"2": 5}) == [["2"], ["2"]]
    assert folder(tmp_path / "second").load()["2"]().tolist() == [20] * 4
    assert folder(tmp_path / "second").load()["3"]().tolist() == [12] * 4


def test_a_touched_source_is_used_again_where_its_time_counts(tmp_path):
    chain(tmp_path)
    os.utime(tmp_path / "source/2.npy", ns=(10**18, 10**18))
    assert chain(tmp_path) == [["2"], ["2"]]


def test_a_touched_source_changes_nothing_where_its_content_counts(tmp_path):
    chain(tmp_path, "content")
    os.utime(tmp_path / "source/2.npy", ns=(10**18, 10**18))
    assert chain(tmp_path, "content") == [[], []]


def test_changed_bytes_are_seen_by_content_where_size_and_time_are_as_before(tmp_path):
    chain(tmp_path, "content")
    path = tmp_path / "source/2.npy"
    state = path.stat()
    NpyDataset(filepath=str(path)).save(np.full(4, 7))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    assert chain(tmp_path, "content") == [["2"], ["2"]]
    assert folder(tmp_path / "second").load()["2"]().tolist() == [28] * 4


def test_another_size_is_seen_where_the_time_is_as_before(tmp_path):
    chain(tmp_path)
    path = tmp_path / "source/2.npy"
    state = path.stat()
    NpyDataset(filepath=str(path)).save(np.full(5, 2))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert chain(tmp_path)[0] == ["2"]


def test_changed_code_makes_everything_again_and_a_comment_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def made_with(source):
        (tmp_path / "recipe.py").write_text(source)
        sys.modules.pop("recipe", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        _find.cache_clear()
        code_version.cache_clear()
        before = changed_at(tmp_path / "out")
        make = importlib.import_module("recipe").make
        folder(tmp_path / "out").save({str(n): partial(make, n) for n in (1, 2)})
        return remade(before, tmp_path / "out")

    code = "import numpy as np\ndef make(n):\n    return np.full(2, n)"
    assert made_with(code) == ["1", "2"]
    assert made_with(code + "  # two of them\n") == []
    assert made_with(code.replace("2, n", "2, n + 1")) == ["1", "2"]


def test_fingerprints_are_found_while_garbage_is_collected(tmp_path):
    # Python up to 3.12 cannot parse in two threads where one is interrupted by the collector,
    # whose callbacks distributed, jax and hypothesis use.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    gc.callbacks.append(ignore)
    try:
        for _ in range(10):
            _find.cache_clear()
            code_version.cache_clear()
            folder(tmp_path).save({str(n): partial(full, n) for n in range(8)})
    finally:
        gc.callbacks.remove(ignore)
        sys.setswitchinterval(interval)


@pytest.fixture
def n_hashed(monkeypatch):
    """How often each file was hashed, by its path, with the threads that did it."""
    hashed, digest = {}, hashlib.file_digest

    def counted(file, name):
        hashed.setdefault(file.name, []).append(threading.get_ident())
        time.sleep(0.02)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return hashed


def added(loads):
    return sum(load() for load in loads)


def window_of(load, row):
    return load()[row : row + 1]


def test_content_is_hashed_once_a_file_and_in_parallel(tmp_path, n_hashed):
    folder(tmp_path / "source").save({str(n): partial(full, 4, n) for n in range(6)})
    loads = folder(tmp_path / "source", identify_by="content").load()
    tasks = {name: partial(added, [load, loads["0"]]) for name, load in loads.items()}
    folder(tmp_path / "out", identify_by="content").save(tasks)
    assert len(n_hashed) == 6
    assert [len(threads) for threads in n_hashed.values()] == [1] * 6
    if joblib.cpu_count() > 1:
        assert len({threads[0] for threads in n_hashed.values()}) > 1


def test_content_is_hashed_once_for_all_windows_of_a_stack(tmp_path, n_hashed):
    folder(tmp_path / "source").save({"1": partial(full, 9)})
    load = folder(tmp_path / "source", identify_by="content").load()["1"]
    stack = StackedArrayDataset(filepath=str(tmp_path / "stack.npy"), n_jobs=1)
    stack.save({row: partial(window_of, load, row) for row in range(9)})
    assert [len(threads) for threads in n_hashed.values()] == [1]


def test_a_link_is_as_new_as_the_file_that_it_leads_to(tmp_path):
    chain(tmp_path)
    for name in ("1", "2"):
        (tmp_path / f"source/{name}.npy").rename(tmp_path / f"{name}.npy")
        (tmp_path / f"source/{name}.npy").symlink_to(tmp_path / f"{name}.npy")
    assert chain(tmp_path) == [[], []]
    os.utime(tmp_path / "2.npy", ns=(10**18, 10**18))
    assert chain(tmp_path) == [["2"], ["2"]]


@pytest.mark.parametrize("identify_by", ["modified", "content"])
def test_a_dangling_link_among_the_sources_is_one_failure(tmp_path, identify_by):
    folder(tmp_path / "source").save({str(n): partial(full, 4, n) for n in (1, 2)})
    (tmp_path / "source/3.npy").symlink_to("/nowhere/3.npy")
    source = folder(tmp_path / "source", identify_by=identify_by)
    table = {"type": "pandas.CSVDataset", "filepath": str(tmp_path / "failures.csv")}
    out = folder(tmp_path / "out", tolerated_failures=1, failures=table)
    tasks = {name: partial(scaled, load) for name, load in source.load().items()}
    out.save(tasks)
    assert list(out.load()) == ["1", "2"]
    failures = pd.read_csv(tmp_path / "failures.csv", dtype=str)
    assert failures["partition"].tolist() == ["3"]
    assert re.search(r"No such file or directory: \S*source/3\.npy", failures["reason"][0])
    before = changed_at(tmp_path / "out")
    out.save(tasks)
    assert remade(before, tmp_path / "out") == []


def test_a_source_that_is_withdrawn_takes_along_what_was_made_of_it(tmp_path):
    chain(tmp_path)
    (tmp_path / "source/2.npy").unlink()
    steps = [folder(tmp_path / name) for name in ("source", "first", "second")]
    for before, step in itertools.pairwise(steps):
        step.save({name: partial(scaled, load) for name, load in before.load().items()})
        assert list(step.load()) == ["1", "3"]


def test_where_there_is_nothing_to_do_nothing_is_written(tmp_path, monkeypatch):
    tasks = {str(n): partial(full, n) for n in (1, 2)}
    folder(tmp_path).save(tasks)
    before = (tmp_path / ".hbac/manifest.json").stat()
    monkeypatch.setattr(os, "fsync", None)
    folder(tmp_path).save(tasks)
    after = (tmp_path / ".hbac/manifest.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_stale_journal_of_a_complete_folder_is_removed(tmp_path):
    folder(tmp_path).save({"1": partial(full, 1)})
    known = json.loads((tmp_path / ".hbac/manifest.json").read_text())["partitions"]
    journal = tmp_path / ".hbac/journal.jsonl"
    journal.write_text(json.dumps(["1", *known["1"]]) + "\n")
    folder(tmp_path).save({"1": partial(full, 1)})
    assert not journal.exists()


def _delete(path, n):
    shutil.rmtree(path)
    return np.full(2, n)


def test_a_record_that_is_deleted_meanwhile_ends_the_run(tmp_path):
    tasks = {str(n): partial(full, n) for n in range(99)}
    with pytest.raises(FileNotFoundError, match=r"\.hbac/journal\.jsonl"):
        folder(tmp_path).save(tasks | {"60": partial(_delete, tmp_path / ".hbac", 60)})
    folder(tmp_path).save(tasks)
    assert folder(tmp_path).exists()


def test_a_file_is_flushed_before_it_has_its_name_and_the_folder_after(tmp_path, monkeypatch):
    seen, fsync = [], os.fsync

    def watched(descriptor):
        what = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append((what, (tmp_path / "1.npy").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    NpyDataset(filepath=str(tmp_path / "1.npy")).save(np.ones(3))
    assert seen == [("file", False), ("folder", True)]


def test_what_cannot_be_flushed_is_not_taken_for_written(tmp_path, monkeypatch):
    def full_disk(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    folder(tmp_path).save({"1": partial(full, 3)})
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        NpyDataset(filepath=str(tmp_path / "2.npy")).write(str(tmp_path / "2.npy"), np.ones(3))
    assert sorted(contents(tmp_path)) == [".hbac/manifest.json", "1.npy"]


def _flushed_one_by_one(monkeypatch, flushed):
    """Note each path that is flushed, as where the system has no call for all files at once."""
    fsync = os.fsync

    def watched(descriptor):
        fsync(descriptor)
        flushed(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(file_dataset, "_syncfs", lambda: None)
    monkeypatch.setattr(os, "fsync", watched)


def _flushed_together(monkeypatch, flushed):
    """Note all paths that are there when their file system is flushed."""
    together = file_dataset._flush_file_system

    def watched(path):
        there = sorted(str(other) for other in Path(path).parent.glob("*.npy"))
        together(path)
        for other in there:
            flushed(other)

    monkeypatch.setattr(file_dataset, "_flush_file_system", watched)


@pytest.mark.parametrize("watch", [_flushed_one_by_one, _flushed_together])
def test_a_partition_is_noted_once_it_is_on_the_disk(tmp_path, monkeypatch, watch):
    flushed, noted = [], []

    def note(journal, partition, made):
        noted.append((partition, str(tmp_path / f"{partition}.npy") in flushed))

    watch(monkeypatch, flushed.append)
    monkeypatch.setattr(_Journal, "write", note)
    folder(tmp_path).save({str(n): partial(full, 3) for n in range(99)})
    assert sorted(noted) == sorted((str(n), True) for n in range(99))


def test_a_folder_is_flushed_once_after_its_files(tmp_path, monkeypatch):
    flushed = []
    _flushed_one_by_one(monkeypatch, flushed.append)
    folder(tmp_path).save({str(n): partial(full, 3) for n in range(99)})
    assert flushed.count(str(tmp_path)) == 1
    assert flushed.index(str(tmp_path)) > max(flushed.index(str(p)) for p in tmp_path.glob("*.npy"))


def test_many_files_go_to_the_disk_together(tmp_path, monkeypatch):
    flushes = []
    monkeypatch.setattr(file_dataset, "_flush_file_system", flushes.append)
    folder(tmp_path).save({str(n): partial(full, 3) for n in range(999)})
    # 1, 2, 4 ... as long as they take less than a second.
    assert 1 <= len(flushes) < 30


@pytest.mark.parametrize("watch", [_flushed_one_by_one, _flushed_together])
def test_a_partition_that_cannot_be_flushed_ends_the_run_and_is_made_again(
    tmp_path, monkeypatch, watch
):
    def full_disk(path):
        if path.endswith("/2.npy"):
            raise OSError(errno.ENOSPC, "No space left on device", path)

    tasks = {str(n): partial(full, 3) for n in range(4)}
    with monkeypatch.context() as patch:
        watch(patch, full_disk)
        with pytest.raises(DatasetError, match=r"could not be written: .*No space left.*/2\.npy"):
            folder(tmp_path).save(tasks)
    assert not folder(tmp_path).is_readable()
    before = changed_at(tmp_path)
    folder(tmp_path).save(tasks)
    assert "2" in remade(before, tmp_path)
    assert folder(tmp_path).exists()


def test_what_the_system_says_of_a_flush_that_failed_is_told(tmp_path, monkeypatch):
    syncfs = file_dataset._syncfs()
    if syncfs is None:
        pytest.skip("this system has no syncfs")
    monkeypatch.setattr(file_dataset, "_syncfs", lambda: lambda descriptor: syncfs(-1))
    with pytest.raises(DatasetError, match=r"1\.npy could not be written: .*Bad file descriptor"):
        folder(tmp_path).save({"1": partial(full, 3)})


def test_a_file_system_that_flushes_no_folders_is_good_enough(tmp_path, monkeypatch):
    fsync = os.fsync

    def of_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files)
    folder(tmp_path).save({"1": partial(full, 3)})
    assert list(folder(tmp_path).load()) == ["1"]
