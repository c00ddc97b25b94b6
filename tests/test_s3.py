"""Both ends of a run on a real S3 server: raw data in a bucket, and what is made from it too."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import CSVDataset
from upath import UPath

from hbac.datasets import simulated
from hbac.hooks import OwnerHook
from hbac.hooks import lock as locks
from hbac.hooks.command import Call
from hbac.hooks.guard import GuardError, check_inputs, check_outputs
from hbac.hooks.location import Folders
from hbac.hooks.lock import HOLDER, Lease, lock
from hbac.hooks.owner import check_owner
from tests.conftest import PROJECT
from tests.services import (
    end_of,
    interruptible,
    kill,
    s3_store,
    start_run,
    wait_until,
    write_data_set,
)

pytestmark = pytest.mark.slow

N_EEGS = 4
N_SPECTROGRAMS = 24
BROKEN = "5"
BOTH = ("--pipelines", "conversion,spectrogram")
ON_S3 = {"raw_dir": "s3://bucket/raw", "data_dir": "s3://bucket/data", "max_failure_rate": 0.1}
SPECTROGRAMS = "02_intermediate/spectrograms"
EEG_SPECTROGRAMS = "04_feature/eeg_spectrograms"


@pytest.fixture(scope="module")
def s3():
    with s3_store() as fs:
        yield fs


def states(fs, folder):
    """What tells one state of an object from another, by its path in the folder."""
    objects = fs.find(folder, detail=True)
    return {
        path.removeprefix(f"{folder}/"): (item["ETag"], item["LastModified"])
        for path, item in objects.items()
    }


def array_paths(fs, folder):
    return [path for path in fs.find(folder) if path.endswith(".npy")]


def arrays(fs, folder):
    """Bytes of every array below a folder."""
    paths = array_paths(fs, folder)
    return {path.removeprefix(f"{folder}/"): fs.cat_file(path) for path in paths}


@pytest.fixture(scope="module")
def raw(s3, tmp_path_factory):
    """A data set with one broken spectrogram, which lies here and on S3."""
    folder = write_data_set(tmp_path_factory.mktemp("raw"), N_EEGS, N_SPECTROGRAMS)
    broken = folder / f"train_spectrograms/{BROKEN}.parquet"
    broken.unlink()
    broken.write_text("no parquet")
    s3.put(str(folder), "bucket/raw", recursive=True)
    return SimpleNamespace(folder=folder, states=states(s3, "bucket/raw"))


@pytest.fixture(scope="module")
def local_run(raw, tmp_path_factory):
    """A run from folder to folder, which goes on beside those on S3."""
    data = tmp_path_factory.mktemp("data")
    settings = {"max_failure_rate": 0.1, "n_jobs": 1}
    run = start_run(*BOTH, raw_dir=raw.folder, data_dir=data, **settings)
    yield data, run
    kill(run)


@pytest.fixture(scope="module")
def expected(local_run):
    """Arrays that a run from folder to folder makes."""
    data, run = local_run
    status, printed = end_of(run)
    assert status == 0, printed
    made = {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*.npy")}
    # Of each EEG its spectrograms and its band power.
    assert len(made) == N_SPECTROGRAMS - 1 + 2 * N_EEGS
    return made


@pytest.fixture(scope="module")
def killed(s3, raw, local_run):
    """Process id of a run that was killed in its middle, and what it had made by then."""
    run = start_run(*BOTH, **ON_S3)
    wait_until(lambda: len(array_paths(s3, "bucket/data")) >= 5)
    kill(run)
    return run.pid, arrays(s3, "bucket/data")


@pytest.fixture(scope="module")
def refused(killed):
    """What the next run says as long as nobody can know that the one before has died."""
    status, printed = end_of(start_run(*BOTH, **ON_S3))
    assert status != 0, printed
    return printed


@pytest.fixture(scope="module")
def taken_over(refused):
    """The lease of the killed run is void in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "_SECONDS_UNTIL_VOID", 1)
        lock(UPath("s3://bucket/data")).release()


@pytest.fixture(scope="module")
def finished(s3, killed, taken_over):
    """The same command again: what it printed, and all objects afterwards."""
    status, printed = end_of(start_run(*BOTH, **ON_S3))
    assert status == 0, printed
    return printed, states(s3, "bucket/data")


@pytest.fixture(scope="module")
def repeated(s3, raw, finished):
    """And once more, with the broken file replaced and a slash at the end of the URLs."""
    source = raw.folder / "train_spectrograms/0.parquet"
    s3.put_file(str(source), f"bucket/raw/train_spectrograms/{BROKEN}.parquet")
    slashes = {"raw_dir": "s3://bucket/raw/", "data_dir": "s3://bucket/data/"}
    status, printed = end_of(start_run(*BOTH, **ON_S3 | slashes, n_jobs=1))
    assert status == 0, printed
    return printed, states(s3, "bucket/data")


def test_a_killed_run_leaves_only_whole_objects(killed, expected):
    _, made = killed
    assert 5 <= len(made) < N_SPECTROGRAMS - 1
    assert made.items() <= expected.items()


def test_a_killed_runs_lease_names_it_and_says_how_long_it_holds(killed, refused):
    pid, _ = killed
    assert (
        "Error: s3://bucket/data is being written to by python -m kedro run --pipelines" in refused
    )
    assert f"(process {pid} on {os.uname().nodename}, since 20" in refused
    assert "Wait for its end (if it was killed, 3 minutes from then)" in refused
    assert "Traceback" not in refused


def test_the_next_run_makes_the_rest(finished, expected, s3):
    printed, _ = finished
    to_make = int(re.search(rf" spectrograms: (\d+) of {N_SPECTROGRAMS} partitions", printed)[1])
    assert to_make <= N_SPECTROGRAMS
    made = arrays(s3, "bucket/data")
    assert made.keys() == expected.keys()
    assert made == expected


def test_tables_are_on_s3(finished, s3):
    with s3.open(f"bucket/data/{SPECTROGRAMS}_failures.csv") as file:
        failures = pd.read_csv(file, dtype=str)
    assert failures["partition"].tolist() == [BROKEN]
    assert "is not a readable parquet file" in failures["reason"].iloc[0]
    with s3.open("bucket/data/03_primary/windows.parquet") as file:
        assert pd.read_parquet(file)["eeg_id"].tolist() == list(range(N_EEGS))


def test_raw_objects_stay_as_they_were(finished, raw, s3):
    now = states(s3, "bucket/raw")
    replaced = f"train_spectrograms/{BROKEN}.parquet"
    assert now.keys() == raw.states.keys()
    assert {name for name in now if now[name] != raw.states[name]} <= {replaced}


def test_the_last_words_show_urls(finished):
    printed, _ = finished
    made = printed.partition("Made:")[2].partition("Look next:")[0].split()
    assert f"s3://bucket/data/{SPECTROGRAMS}" in made
    assert f"s3://bucket/data/{EEG_SPECTROGRAMS}" in made
    assert "s3://bucket/data/03_primary/windows.parquet" in made


def test_no_lease_is_left(finished):
    _, objects = finished
    assert HOLDER not in objects


def test_a_replaced_object_alone_is_made_again(finished, repeated):
    printed, after = repeated
    assert f" spectrograms: 1 of {N_SPECTROGRAMS} partitions to make" in printed
    assert f" eeg_spectrograms: 0 of {N_EEGS} partitions to make" in printed
    _, before = finished
    changed = {name for name in after if after[name] != before.get(name)}
    assert before.keys() <= after.keys()
    assert {name for name in changed if name.endswith(".npy")} == {f"{SPECTROGRAMS}/{BROKEN}.npy"}
    assert not [name for name in after if "//" in name or name.startswith("/")]


# Guard and lease, called directly.


def same(data):
    return data


PIPELINE = Pipeline([Node(same, "source", "target")])


def catalog(source, target):
    return DataCatalog(
        {"source": CSVDataset(filepath=source), "target": CSVDataset(filepath=target)}
    )


def test_foreign_data_on_s3_is_never_written_to(s3):
    s3.pipe_file("bucket/foreign/train.csv", b"precious")
    paths = catalog("s3://bucket/in.csv", "s3://bucket/foreign/deep/out.csv")
    with pytest.raises(GuardError, match="s3://bucket/foreign and never writes to such"):
        check_outputs(PIPELINE, paths, UPath("s3://bucket/foreign"))
    assert s3.find("bucket/foreign") == ["bucket/foreign/train.csv"]


def begin(raw, data, source, target):
    """As a run begins that reads one dataset and writes another."""
    folders, paths = Folders(raw, data, data / "06_models"), catalog(source, target)
    check_owner(PIPELINE, paths, folders, Call())
    hook = OwnerHook()
    hook._folders = folders
    hook.before_pipeline_run(PIPELINE, paths)


def test_a_new_raw_dir_on_s3_is_marked_and_may_be_written_to_again(s3):
    paths, raw = catalog("s3://bucket/in.csv", "s3://bucket/new/out.csv"), UPath("s3://bucket/new")
    check_outputs(PIPELINE, paths, raw)
    assert s3.find("bucket/new") == []
    begin(raw, UPath("s3://bucket/made"), "s3://bucket/in.csv", "s3://bucket/new/out.csv")
    assert s3.find("bucket/new") == [f"bucket/new/{simulated.MARK}"]
    s3.pipe_file("bucket/new/train.csv", b"simulated")
    simulated.note_table(raw, "train.csv")
    check_outputs(PIPELINE, paths, raw)
    s3.pipe_file("bucket/new/train.csv", b"precious")
    with pytest.raises(GuardError, match=r"did not make train\.csv in s3://bucket/new"):
        check_outputs(PIPELINE, paths, raw)


def test_two_data_sets_never_share_a_folder_on_s3(s3):
    first, second = UPath("s3://bucket/first"), UPath("s3://bucket/second")
    shared = UPath("s3://bucket/shared")
    for raw in (first, first):
        begin(raw, shared, f"{raw}/in.csv", f"{shared}/out.csv")
    with pytest.raises(GuardError, match=r"s3://bucket/shared holds .* from s3://bucket/first;"):
        begin(second, shared, f"{second}/in.csv", f"{shared}/out.csv")


def test_a_bucket_with_a_typo_is_not_made(s3):
    raw, typo = UPath("s3://bucket/first"), UPath("s3://bukket/data")
    with pytest.raises(FileNotFoundError):
        begin(raw, typo, f"{raw}/in.csv", f"{typo}/out.csv")
    assert not s3.exists("bukket")


def test_a_missing_label_table_is_named_by_its_url(s3):
    paths = catalog("s3://bucket/nowhere/train.csv", "s3://bucket/data/out.csv")
    with pytest.raises(GuardError, match=r"source: s3://bucket/nowhere/train\.csv"):
        check_inputs(PIPELINE, paths, UPath("s3://bucket/nowhere"))


@pytest.fixture
def folder(s3, request):
    return UPath(f"s3://bucket/{request.node.name}")


def test_one_run_alone_holds_a_lease(folder, s3):
    lease = lock(folder)
    assert isinstance(lease, Lease)
    assert json.loads(s3.cat_file(f"{folder.path}/{HOLDER}"))["pid"] == os.getpid()
    with pytest.raises(GuardError, match=rf"is being written to by .*\(process {os.getpid()} on"):
        lock(folder)
    lease.release()
    assert s3.find(folder.path) == []
    lock(folder).release()


def test_a_lease_lasts_while_it_is_renewed(folder, monkeypatch):
    monkeypatch.setattr(locks, "_SECONDS_UNTIL_VOID", 2)
    monkeypatch.setattr(locks, "_SECONDS_BETWEEN_RENEWALS", 0.3)
    lease = lock(folder)
    time.sleep(2.5)
    with pytest.raises(GuardError):
        lock(folder)
    lease.release()


def test_of_several_that_find_a_lease_void_one_gets_it(folder, s3, monkeypatch):
    s3.pipe_file(f"{folder.path}/{HOLDER}", b"the dead's")
    monkeypatch.setattr(locks, "_SECONDS_UNTIL_VOID", 1)
    time.sleep(2.5)
    found_void, look = Barrier(3, timeout=60), Lease._void

    def look_together(self):
        etag = look(self)
        found_void.wait()
        return etag

    monkeypatch.setattr(Lease, "_void", look_together)

    def attempt(_):
        try:
            return lock(folder)
        except GuardError as error:
            return str(error)

    with ThreadPoolExecutor(3) as threads:
        tried = list(threads.map(attempt, range(3)))
    (lease,) = [one for one in tried if isinstance(one, Lease)]
    refused = [one for one in tried if one is not lease]
    assert len(refused) == 2
    assert all(f"(process {os.getpid()} on " in message for message in refused)
    lease.release()
    assert s3.find(folder.path) == []


def test_a_lease_that_was_lost_is_not_taken_from_its_new_holder(folder, s3):
    lease = lock(folder)
    s3.pipe_file(f"{folder.path}/{HOLDER}", b"another's")
    lease.release()
    assert s3.cat_file(f"{folder.path}/{HOLDER}") == b"another's"


LOST = """
import signal, sys, time
from upath import UPath
from hbac.hooks import lock as locks
signal.signal(signal.SIGINT, getattr(signal, sys.argv[2]))
locks._SECONDS_BETWEEN_RENEWALS = 0.2
lease = locks.lock(UPath(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("on_sigint", "status"),
    [("default_int_handler", -signal.SIGINT), ("SIG_IGN", -signal.SIGTERM)],
)
def test_a_run_whose_lease_was_taken_over_ends(folder, s3, on_sigint, status):
    path = f"{folder.path}/{HOLDER}"
    run = interruptible(
        [sys.executable, "-c", LOST, str(folder), on_sigint],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout.readline() == "held\n"
    s3.pipe_file(path, json.dumps({"command": "c", "pid": 1, "host": "h", "started": "s"}).encode())
    printed, _ = run.communicate(timeout=30)
    assert run.returncode == status, printed
    assert "is being written to by c (process 1 on h, since s)" in printed
    assert json.loads(s3.cat_file(path))["command"] == "c"


INTERRUPTED = """
import sys, time
from tests.hooks.test_lock import hook, lock_for
raw, data = "s3://bucket/raw", sys.argv[1]
run = hook(raw, data, ".")
lock_for(run, f"{raw}/in.csv", f"{data}/out.csv")
print("held", flush=True)
time.sleep(60)
"""


def test_an_interrupted_run_leaves_no_lease(folder, s3):
    run = interruptible(
        [sys.executable, "-c", INTERRUPTED, str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "held\n"
    assert s3.find(folder.path) == [f"{folder.path}/{HOLDER}"]
    run.send_signal(signal.SIGINT)
    _, printed = run.communicate(timeout=60)
    assert "KeyboardInterrupt" in printed
    assert s3.find(folder.path) == []
