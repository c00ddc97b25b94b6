"""How long the served model takes to answer, over HTTP on loopback.

The networks that ship with the package are written as one model, ``mlflow models serve`` loads it
in a process of its own, and one client sends simulated EEG of 50 s as JSON, one request after the
other: windows alone, and as many at once as a request may hold. Numbers have two decimals, as those
of an amplifier do. The client writes the JSON before. The first requests of either size, which
trace the networks' graphs, are not counted.

``windows_per_second`` is with the body ``{"inputs": {"eeg": ...}}``, ``windows_per_second_split``
with ``dataframe_split``, which MLflow copies less often. ``model_ms`` is what the same window takes
in this process without HTTP and JSON.

    python benchmarks/serving.py [--requests 200] [--batches 20]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import requests
from files import make_eeg

from hbac.eeg.shape import WINDOW_SECONDS
from hbac.shipped import pretrained_dir
from hbac.tracking.ensemble import save_ensemble
from hbac.tracking.request import MOST_WINDOWS

SECONDS_TO_START = 300
N_FIRST = 2


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers.

    Raises:
        RuntimeError: with its log, if it ends or takes too long.
    """
    end = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{address}/ping", timeout=10).ok:
                return
        time.sleep(0.1)
    raise RuntimeError(log.read_text())


@contextlib.contextmanager
def serve(model: Path) -> Iterator[str]:
    """Serve a model as a user would; yields the address to send requests to."""
    port, log = free_port(), model.with_name("log")
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model)]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}", server, log)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def seconds_of(address: str, body: bytes, count: int) -> list[float]:
    """Time requests, one after the other."""
    times = []
    with requests.Session() as session:
        for _ in range(N_FIRST + count):
            start = time.perf_counter()
            answer = session.post(
                address, data=body, headers={"Content-Type": "application/json"}, timeout=600
            )
            times.append(time.perf_counter() - start)
            answer.raise_for_status()
    return times[N_FIRST:]


def seconds_of_model(model: Path, window: np.ndarray, count: int) -> list[float]:
    """Time the model in this process."""
    loaded = mlflow.pyfunc.load_model(str(model))
    table, times = pd.DataFrame({"eeg": [window]}), []
    for _ in range(N_FIRST + count):
        start = time.perf_counter()
        loaded.predict(table)
        times.append(time.perf_counter() - start)
    return times[N_FIRST:]


def encode(windows: np.ndarray, *, split: bool = False) -> bytes:
    """Write a request."""
    lists = windows.astype(float).round(2).tolist()
    table = {"columns": ["eeg"], "data": [[window] for window in lists]}
    body = {"dataframe_split": table} if split else {"inputs": {"eeg": lists}}
    return json.dumps(body).encode()


def main() -> None:
    """Serve, ask and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200, help="of one window (200)")
    parser.add_argument("--batches", type=int, default=20, help="requests of many (20)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    windows = np.stack(
        [make_eeg(WINDOW_SECONDS, seed).to_numpy().T for seed in range(MOST_WINDOWS)]
    )
    one = encode(windows[:1])
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model")
        save_ensemble(pretrained_dir(), model)
        with serve(model) as address:
            single = seconds_of(address, one, options.requests)
            batched = seconds_of(address, encode(windows), options.batches)
            split = seconds_of(address, encode(windows, split=True), options.batches)
        alone = seconds_of_model(model, windows[0], options.requests)
    figures = {
        "p50_ms": 1e3 * float(np.percentile(single, 50)),
        "p99_ms": 1e3 * float(np.percentile(single, 99)),
        "windows_per_second": MOST_WINDOWS / statistics.median(batched),
        "windows_per_second_split": MOST_WINDOWS / statistics.median(split),
        "batch": MOST_WINDOWS,
        "model_ms": 1e3 * statistics.median(alone),
        "request_mb": len(one) / 1e6,
        "requests": options.requests,
        "batches": options.batches,
        "load_average_before": load,
    }
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
