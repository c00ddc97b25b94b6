"""What tests of whole runs need: a small data set, the command, a Dask cluster, an S3 store."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from hbac.datasets import EEGDataset, RegionalSpectrogramDataset
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.regional import COLUMNS
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from tests.conftest import PROJECT

_N_DIFFERENT = 3
_S3_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _heed_interrupts():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interruptible(command, **options):
    """Start a process that SIGINT interrupts, also where a shell's job in the background starts it.

    Such a job ignores SIGINT, and so does whatever it starts.
    """
    return subprocess.Popen(command, preexec_fn=_heed_interrupts, **options)


def _labels(n):
    table = pd.DataFrame({"eeg_id": range(n), "spectrogram_id": range(n), "patient_id": range(n)})
    offsets = ["eeg_label_offset_seconds", "spectrogram_label_offset_seconds"]
    table[["eeg_sub_id", "spectrogram_sub_id", *offsets, *VOTE_COLUMNS]] = 0
    return table.assign(label_id=range(n), expert_consensus=CLASS_NAMES[0], **{VOTE_COLUMNS[0]: 3})


def _recording(number):
    noise = np.random.default_rng(number).normal(size=(len(CHANNELS), 10_000))
    return Recording(30 * noise.astype(np.float32), CHANNELS)


def _spectrogram(number):
    power = np.random.default_rng(number).random((300, len(COLUMNS)), np.float32)
    return pd.DataFrame(power, columns=list(COLUMNS)).assign(time=range(1, 600, 2))


def write_data_set(folder, n_eegs, n_spectrograms=None):
    """Write recordings, as many spectrograms or more, and labels; every third file is the same."""
    for name, dataset, make, n in (
        ("train_eegs", EEGDataset, _recording, n_eegs),
        ("train_spectrograms", RegionalSpectrogramDataset, _spectrogram, n_spectrograms or n_eegs),
    ):
        for number in range(n):
            path = folder / name / f"{number}.parquet"
            if number < _N_DIFFERENT:
                dataset(filepath=str(path)).save(make(number))
            else:
                os.link(path.with_name(f"{number % _N_DIFFERENT}.parquet"), path)
    _labels(n_eegs).to_csv(folder / "train.csv", index=False)
    return folder


def start_run(*arguments, **params):
    """Start ``kedro run``, which prints to a pipe, as a user would."""
    text = ",".join(f"{name}={value}" for name, value in params.items())
    command = [sys.executable, "-m", "kedro", "run", *arguments, *(["--params", text] * bool(text))]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end_of(run):
    """Wait for a run; returns its exit status and all that it printed."""
    printed, _ = run.communicate()
    return run.returncode, printed


def kill(process):
    """End a process and all that it has started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition, seconds=60):
    """Return what a condition gives as soon as it holds."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"{condition} did not hold within {seconds} s"
        time.sleep(0.02)
    return result


@dataclass(frozen=True)
class Cluster:
    """A Dask scheduler and its workers; each leads a process group of its own."""

    address: str
    scheduler: subprocess.Popen
    workers: list[subprocess.Popen]


@contextlib.contextmanager
def dask_cluster(folder, *, nanny=False, **settings):
    """A real scheduler and two workers of one thread each on loopback.

    Args:
        folder: where they keep their files.
        nanny: whether a worker that dies is replaced.
        settings: Dask's own, by the names of its environment variables.
    """
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    places = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | settings | {"PYTHONPATH": os.pathsep.join(places)}
    known_at = folder / "scheduler.json"

    def start(program, *arguments):
        with open(folder / f"{program}.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    loopback = ("--host", "127.0.0.1", "--scheduler-file", str(known_at))
    as_worker = ("--nthreads", "1", "--memory-limit", "0", "--local-directory", str(folder))
    scheduler = start("dask_scheduler", *loopback, "--port", "0")
    alone = "--nanny" if nanny else "--no-nanny"
    workers = [start("dask_worker", *loopback, *as_worker, alone) for _ in range(2)]
    try:
        wait_until(known_at.exists)
        with distributed.Client(scheduler_file=str(known_at), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield Cluster(address, scheduler, workers)
    finally:
        for process in (*workers, scheduler):
            kill(process)


@contextlib.contextmanager
def s3_store():
    """A real S3 server on loopback with an empty bucket named ``bucket``.

    Within the block the environment leads every S3 client of this process, and of those that it
    starts, to the server. Yields a file system that caches nothing.
    """
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _S3_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.delenv("AWS_PROFILE", raising=False)
        s3fs.S3FileSystem.clear_instance_cache()
        try:
            fs = s3fs.S3FileSystem(use_listings_cache=False)
            fs.mkdir("bucket")
            yield fs
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            server.stop()
