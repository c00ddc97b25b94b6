import os
import signal
import threading
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import ParallelPartitionedDataset
from tests.services import (
    dask_cluster,
    end_of,
    kill,
    start_run,
    wait_until,
    write_data_set,
)

N_PARTITIONS = 60
N_RECORDINGS = 40

# Workers of one thread are then never given a job beside one that kills them.
BLAME_ALONE = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0"}
TRY_TWICE = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}


def numbers(n, seconds=0.0):
    time.sleep(seconds)
    return np.full((50, 50), n, np.float32)


def numbers_or_death(n, deadly):
    if n in deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return numbers(n, 0.02)


def never(n):
    raise ValueError(f"{n} is not to be")


def pid_of_worker(n):
    return np.array([os.getpid()])


def folder(path, **settings):
    return ParallelPartitionedDataset(
        path=str(path), dataset="hbac.datasets.NpyDataset", filename_suffix=".npy", **settings
    )


def on_dask(path, address, **settings):
    return folder(path, backend="dask", scheduler=address, **settings)


def tasks(seconds=0.0):
    return {str(n): partial(numbers, n, seconds) for n in range(N_PARTITIONS)}


def contents(path):
    """Bytes of every file below a folder, hidden ones too; what only locks a folder is left out."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != ".hbac.lock"
    }


def n_made(path):
    return len(list(path.glob("*.npy")))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster whose nannies replace workers that die."""
    workplace = tmp_path_factory.mktemp("dask")
    with dask_cluster(workplace, nanny=True, **BLAME_ALONE, **TRY_TWICE) as cluster:
        yield cluster


@pytest.fixture
def mortal_cluster(tmp_path):
    """A cluster of one test, which may kill what it likes."""
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """All partitions as the processes of this machine make them."""
    path = tmp_path_factory.mktemp("local")
    folder(path, n_jobs=2).save(tasks())
    return contents(path)


def forgets(address):
    """Whether a scheduler knows, soon, of no client and no task that has gone."""
    from distributed import Client

    def known(dask_scheduler):
        return [name for name in dask_scheduler.clients if name.startswith("Client-")], [
            *dask_scheduler.tasks
        ]

    with Client(address, set_as_default=False) as client:
        return wait_until(lambda: client.run_on_scheduler(known) == ([client.id], []), seconds=10)


def worker_pids(address):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def in_thread(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_a_cluster_makes_what_this_machine_makes(cluster, local, tmp_path):
    on_dask(tmp_path, cluster.address).save(tasks())
    assert contents(tmp_path).keys() == local.keys()
    assert contents(tmp_path) == local


def test_without_an_address_a_cluster_of_this_machine_is_used(local, tmp_path):
    pytest.importorskip("distributed", reason="distributed is not installed")
    on_dask(tmp_path, None).save(tasks())
    assert contents(tmp_path) == local


def test_both_workers_are_put_to_work(cluster, tmp_path):
    dataset = on_dask(tmp_path, cluster.address)
    dataset.save({str(n): partial(pid_of_worker, n) for n in range(20)})
    pids = {int(load()[0]) for load in dataset.load().values()}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_run_leaves_neither_client_nor_thread_behind(cluster, tmp_path):
    on_dask(tmp_path / "first", cluster.address).save(tasks())
    before = set(threading.enumerate())
    on_dask(tmp_path / "second", cluster.address).save(tasks())
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    assert forgets(cluster.address)


def test_a_run_that_ends_early_leaves_no_work_to_the_cluster(cluster, tmp_path):
    jobs = {"bad": partial(never, 0)} | tasks(seconds=0.05)
    with pytest.raises(DatasetError, match=r"bad\.npy could not be made: 0 is not to be"):
        on_dask(tmp_path, cluster.address, on_error="raise").save(jobs)
    assert forgets(cluster.address)
    assert n_made(tmp_path) < N_PARTITIONS


def test_a_worker_that_is_killed_costs_nothing(cluster, local, tmp_path):
    run = in_thread(partial(on_dask(tmp_path, cluster.address).save, tasks(seconds=0.05)))
    wait_until(lambda: n_made(tmp_path) >= 10)
    os.kill(worker_pids(cluster.address)[0], signal.SIGKILL)
    at_death = n_made(tmp_path)
    run.join(60)
    assert not run.is_alive()
    assert at_death < N_PARTITIONS
    made = contents(tmp_path)
    assert made.keys() == local.keys()
    # The manifest tells the tasks apart, which here take longer.
    differing = {name for name in made if made[name] != local[name]}
    assert differing == {".hbac/manifest.json"}
    assert folder(tmp_path).exists()


def test_a_job_that_kills_its_workers_is_set_aside_alone(cluster, tmp_path):
    table = tmp_path / "failures.csv"
    dataset = on_dask(
        tmp_path / "numbers",
        cluster.address,
        max_failure_rate=0.1,
        failures={"type": "pandas.CSVDataset", "filepath": str(table)},
    )
    dataset.save({str(n): partial(numbers_or_death, n, deadly=(7,)) for n in range(20)})
    failure = pd.read_csv(table, dtype=str)
    assert failure["partition"].tolist() == ["7"]
    assert "the worker process was killed while it was at this" in failure["reason"].iloc[0]
    assert sorted(dataset.load(), key=int) == [str(n) for n in range(20) if n != 7]
    dataset.save({str(n): partial(numbers_or_death, n, deadly=()) for n in range(20)})
    assert dataset.load()["7"]()[0, 0] == 7


def test_a_function_that_workers_lack_ends_the_run(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def f():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here

    with pytest.raises(DatasetError, match=r"cannot import .*: No module named 'only_here'"):
        on_dask(tmp_path / "numbers", cluster.address).save({"1": only_here.f, "2": only_here.f})
    assert n_made(tmp_path / "numbers") == 0
    assert forgets(cluster.address)


def test_a_scheduler_that_dies_ends_the_run(mortal_cluster, tmp_path):
    path, raised = tmp_path / "numbers", []

    def save():
        try:
            on_dask(path, mortal_cluster.address).save(tasks(seconds=0.1))
        except DatasetError as error:
            raised.append(str(error))

    run = in_thread(save)
    wait_until(lambda: n_made(path) >= 10)
    kill(mortal_cluster.scheduler)
    run.join(60)
    assert not run.is_alive()
    assert "the cluster's scheduler ended, or can no longer be reached" in raised[0]
    assert not folder(path).exists()


def test_nobody_at_the_address_is_said_at_once(tmp_path):
    dask = pytest.importorskip("dask", reason="dask is not installed")
    start = time.monotonic()
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        pytest.raises(DatasetError, match=r"connect to tcp://127\.0\.0\.1:9"),
    ):
        on_dask(tmp_path, "tcp://127.0.0.1:9").save(tasks())
    assert time.monotonic() - start < 20


@pytest.mark.slow
def test_a_whole_run_on_a_cluster_that_loses_a_worker(mortal_cluster, tmp_path):
    raw = write_data_set(tmp_path / "raw", N_RECORDINGS)
    folders = {name: tmp_path / name for name in ("local", "cluster")}
    where = {"backend": "dask", "scheduler": mortal_cluster.address}
    run = start_run("--pipeline", "spectrogram", raw_dir=raw, data_dir=folders["cluster"], **where)
    made = folders["cluster"] / "04_feature/eeg_spectrograms"
    wait_until(lambda: n_made(made) >= 10)
    kill(mortal_cluster.workers[1])
    at_death = n_made(made)
    here = {"raw_dir": raw, "data_dir": folders["local"], "n_jobs": 1}
    local_run = start_run("--pipeline", "spectrogram", **here)
    for started in (run, local_run):
        status, printed = end_of(started)
        assert status == 0, printed
    assert at_death < N_RECORDINGS
    here, there = (contents(folders[name]) for name in ("local", "cluster"))
    assert n_made(made) == N_RECORDINGS
    assert here.keys() == there.keys()
    assert here == there


def test_ray_does_the_same(tmp_path):
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'hbac[ray]'")
    dataset = folder(tmp_path / "numbers", backend="ray", max_failure_rate=0.1)
    dataset.save({str(n): partial(numbers_or_death, n, deadly=(7,)) for n in range(20)})
    assert sorted(dataset.load(), key=int) == [str(n) for n in range(20) if n != 7]
    dataset.save({str(n): partial(numbers_or_death, n, deadly=()) for n in range(20)})
    assert dataset.load()["7"]()[0, 0] == 7
    assert not ray.is_initialized()
