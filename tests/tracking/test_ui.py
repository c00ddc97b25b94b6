"""The pages of ``mlflow ui`` as a browser shows them."""

import os
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from hbac.tracking.store import page_of_runs
from tests.browser import open_page
from tests.tracking.test_hook import METRICS, runs, start, train_one

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process):
    for _ in range(600):
        assert process.poll() is None, process.stdout.read()
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


@pytest.fixture
def page(root):
    """Show a page of a live ``mlflow ui`` until it has a text; returns it as HTML."""
    port = free_port()
    store = f"sqlite:///{root / 'mlflow.db'}"
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1"],
        cwd=root,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def show(route, text):
        wait_for(f"http://127.0.0.1:{port}/health", process)
        return open_page(f"http://127.0.0.1:{port}/#{route}", root, until=text)

    yield show
    process.terminate()
    process.communicate(timeout=30)


def test_two_runs_stand_side_by_side(hook, root, page):
    for batch_size, kl in ((8, 0.7531), (16, 0.6248)):
        start(hook, batch_size=batch_size)
        train_one(hook)
        hook.after_dataset_saved("metrics", METRICS | {"kl": {"all": {"model": kl}}})
        hook.after_pipeline_run()
    parents = [run for name, run in runs(root).items() if name.startswith("seed modeling")]
    ids = ",".join(f"%22{run.info.run_id}%22" for run in parents)
    experiment = parents[0].info.experiment_id
    shown = page(f"/compare-runs?runs=%5B{ids}%5D&experiments=%5B%22{experiment}%22%5D", ">0.753<")
    assert "Comparing 2 Runs" in shown
    for text in ("seed modeling 1", "seed modeling 2", "kl.all.model", "0.753", "0.625"):
        assert f">{text}<" in shown
    assert "modeling.training.batch_size" in shown


def test_the_address_that_a_run_names_shows_its_training_runs(hook, root, page):
    start(hook)
    train_one(hook)
    hook.after_pipeline_run()
    _, _, route = page_of_runs(root)[1].partition("#")
    shown = page(route, ">seed modeling 1<")
    assert ">seed modeling 1<" in shown
    assert ">Model training<" in shown
    assert "Judges" not in shown
