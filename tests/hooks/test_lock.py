import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import CSVDataset
from upath import UPath

from hbac.hooks.guard import GuardError
from hbac.hooks.lock import HOLDER, LocalLock, LockHook, lock
from tests.conftest import PROJECT
from tests.services import end_of, start_run, write_data_set

HOLD = """
import sys
from upath import UPath
from hbac.hooks.lock import lock
held = lock(UPath(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
held.release()
"""


class Holder:
    """Another process that holds a lock until it is told to let go, or killed."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "held\n"
        self.pid = self._process.pid

    def end(self, signal_number=None):
        if signal_number is not None:
            self._process.send_signal(signal_number)
        self._process.communicate("\n" if signal_number is None else None)
        return self._process.returncode


@pytest.fixture
def folder(tmp_path):
    return UPath(tmp_path / "data")


@pytest.fixture
def holder(folder):
    holder = Holder(folder)
    yield holder
    holder.end(signal.SIGKILL)


def same(data):
    return data


def context_of(raw_dir, data_dir, root):
    class Loader(dict):
        runtime_params = None

    loader = Loader(globals={"raw_dir": str(raw_dir), "data_dir": str(data_dir)})
    return SimpleNamespace(config_loader=loader, project_path=root)


def hook(raw_dir, data_dir, root):
    hook = LockHook()
    hook.after_context_created(context_of(raw_dir, data_dir, root))
    return hook


def lock_for(hook, source, target):
    paths = {"source": source, "target": target}
    catalog = DataCatalog({name: CSVDataset(filepath=str(path)) for name, path in paths.items()})
    hook.before_pipeline_run(Pipeline([Node(same, "source", "target")]), catalog)


def is_free(folder):
    try:
        lock(UPath(folder)).release()
    except GuardError:
        return False
    return True


def test_a_second_process_is_refused_with_the_firsts_name(holder, folder):
    with pytest.raises(GuardError) as error:
        lock(folder)
    message = str(error.value)
    assert message.startswith(f"{folder} is being written to by -c {folder} ")
    assert f"(process {holder.pid} on {os.uname().nodename}, since 20" in message
    assert "--params data_dir=PATH" in message


def test_it_is_free_after_the_firsts_end(holder, folder):
    assert holder.end() == 0
    assert is_free(folder)
    assert not (folder / HOLDER).exists()


def test_it_is_free_at_once_after_the_first_was_killed(holder, folder):
    assert holder.end(signal.SIGKILL) == -signal.SIGKILL
    assert (folder / HOLDER).exists()
    assert is_free(folder)


def test_one_process_does_not_hold_it_twice(folder):
    first = lock(folder)
    assert isinstance(first, LocalLock)
    assert not is_free(folder)
    first.release()
    assert is_free(folder)


def test_only_folders_that_are_written_to_are_locked(tmp_path):
    raw, data = tmp_path / "raw", tmp_path / "data"
    run = hook(raw, data, tmp_path)
    lock_for(run, raw / "in.csv", data / "out.csv")
    assert not is_free(data)
    assert not raw.exists()
    run.after_pipeline_run()
    assert is_free(data)
    lock_for(run, raw / "in.csv", tmp_path / "elsewhere/out.csv")
    assert is_free(data)


def test_a_simulation_locks_the_raw_dir(tmp_path):
    run = hook(tmp_path / "raw", tmp_path / "data", tmp_path)
    lock_for(run, tmp_path / "data/in.csv", tmp_path / "raw/out.csv")
    assert not is_free(tmp_path / "raw")
    run.on_pipeline_error()
    assert is_free(tmp_path / "raw")


def test_a_folder_is_the_same_however_it_is_named(tmp_path):
    run = hook("raw", f"file://{tmp_path}/data", tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    lock_for(run, tmp_path / "in.csv", tmp_path / "link/out.csv")
    assert not is_free(tmp_path / "data")
    run.after_pipeline_run()


def test_a_refused_run_holds_nothing(tmp_path):
    raw, data = tmp_path / "data/raw", tmp_path / "data"
    run, other = hook(raw, data, tmp_path), lock(UPath(data))
    with pytest.raises(GuardError, match="is being written to by"):
        lock_for(run, data / "in.csv", raw / "out.csv")
    assert is_free(raw)
    other.release()
    assert is_free(data)


def test_other_stores_are_not_locked_and_it_is_said(tmp_path, caplog):
    run = hook("memory:///locks/raw", "memory:///locks/data", tmp_path)
    lock_for(run, "memory:///locks/raw/in.csv", "memory:///locks/data/out.csv")
    assert "locks/data is not locked" in caplog.text
    run.after_pipeline_run()


def test_an_interrupted_run_is_over_when_the_next_begins(tmp_path):
    raw, data = tmp_path / "raw", tmp_path / "data"
    run = hook(raw, data, tmp_path)
    lock_for(run, raw / "in.csv", data / "out.csv")
    run.after_context_created(context_of(raw, data, tmp_path))
    assert is_free(data)


def test_a_whole_run_is_refused_in_one_sentence(tmp_path):
    raw, data = write_data_set(tmp_path / "raw", 1), tmp_path / "data"
    held = lock(UPath(data))
    run = start_run("--pipeline", "conversion", raw_dir=raw, data_dir=data)
    status, printed = end_of(run)
    held.release()
    assert status != 0
    assert f"Error: {data} is being written to by " in printed
    assert f"(process {os.getpid()} on {os.uname().nodename}, since 20" in printed
    assert "Traceback" not in printed
    assert "[1/" not in printed
    assert not (data / "02_intermediate").exists()


TWO_RUNS = """
import sys
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

def run(**params):
    bootstrap_project(Path.cwd())
    params |= {"raw_dir": sys.argv[1], "data_dir": sys.argv[2], "n_jobs": 1}
    with KedroSession.create(runtime_params=params) as session:
        session.run(pipeline_names=["conversion"])

try:
    run(tolerated_failures=0)
except Exception as error:
    print("first:", error)
run(max_failure_rate=1.0)
print("second: done")
"""


def test_a_run_that_failed_lets_the_next_one_in_the_same_process_in(tmp_path):
    raw, data = write_data_set(tmp_path / "raw", 2), tmp_path / "data"
    (raw / "train_spectrograms/1.parquet").write_text("no parquet")
    command = [sys.executable, "-c", TWO_RUNS, str(raw), str(data)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "first: spectrogram_arrays: 1 of 2 partitions" in done.stdout
    assert done.stdout.endswith("second: done\n")
    assert is_free(data)
