import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from matplotlib.figure import Figure

from hbac.pipelines.conversion.nodes import convert_spectrograms
from hbac.tracking.current import current_run
from hbac.tracking.hook import MlflowHook, data_fingerprint, flatten
from hbac.tracking.store import connect
from tests.conftest import PROJECT


def train(model_input, split):
    return None


PIPELINE = Pipeline(
    [
        Node(
            train,
            ["model_input", "fold_0_split"],
            "fold_0.model",
            name="train_fold",
            namespace="fold_0",
            tags="training",
        )
    ]
)
NODE = PIPELINE.nodes[0]
OTHER = Node(convert_spectrograms, "a", "b", name="convert")
INPUTS = {
    "model_input": np.zeros((4, 8, 8), np.float16),
    "fold_0_split": pd.DataFrame({"patient_id": [1, 1, 2, 3], "held_out": [0, 0, 1, 1]}),
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def hook(root):
    hook = MlflowHook()
    hook.after_context_created(SimpleNamespace(project_path=root))
    return hook


def start(hook, pipeline=PIPELINE):
    catalog = DataCatalog({"params:modeling": MemoryDataset({"training": {"batch_size": 8}})})
    hook.before_pipeline_run({"pipeline_names": ["modeling"]}, pipeline, catalog)


def runs(root):
    client, experiment = connect(root)
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def test_a_pipeline_that_trains_nothing_opens_no_run(hook, root):
    start(hook, Pipeline([OTHER]))
    assert not (root / "mlflow.db").exists()


def test_a_run_that_trains_nothing_after_all_leaves_no_trace(hook, root):
    start(hook)
    assert not (root / "mlflow.db").exists()
    hook.before_node_run(OTHER, {})
    hook.after_pipeline_run()
    assert runs(root) == {}


def test_a_run_that_fails_before_its_first_fold_shows_as_failed(hook, root):
    start(hook)
    hook.before_node_run(OTHER, {})
    hook.on_node_error()
    hook.on_pipeline_error()
    assert runs(root)["modeling"].info.status == "FAILED"


def test_a_fold_is_a_child_with_its_metrics(hook, root):
    start(hook)
    hook.before_node_run(NODE, INPUTS)
    current_run().log_metrics({"val_loss": 0.5}, step=3)
    hook._close_child("FINISHED")
    hook.after_dataset_saved("metrics", {"kl": {"all": {"class prior": 1.5}}, "auroc": None})
    hook.after_dataset_saved("a_figure", Figure())
    hook.after_pipeline_run()
    parent, child = runs(root)["modeling"], runs(root)["fold_0"]
    assert {parent.info.status, child.info.status} == {"FINISHED"}
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.metrics["val_loss"] == 0.5
    assert parent.data.metrics["kl.all.class_prior"] == 1.5
    assert parent.data.params["data.patients"] == "3"
    assert len(parent.data.tags["data_fingerprint"]) == 16
    client, _ = connect(root)
    figures = client.list_artifacts(parent.info.run_id, "figures")
    assert [figure.path for figure in figures] == ["figures/a_figure.png"]
    assert current_run() is None


def test_a_failed_run_shows_as_failed(hook, root):
    start(hook)
    hook.before_node_run(NODE, INPUTS)
    hook.on_node_error()
    hook.on_pipeline_error()
    assert {run.info.status for run in runs(root).values()} == {"FAILED"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_shows_as_killed(number, hook, root):
    code = f"""
        import sys, time
        sys.path.insert(0, {str(sys.path[0])!r})
        from tests.tracking.test_hook import *
        hook = MlflowHook()
        hook.after_context_created(SimpleNamespace(project_path=__import__("pathlib").Path({str(root)!r})))
        start(hook)
        hook.before_node_run(NODE, INPUTS)
        print("running", flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    while process.stdout.readline() != "running\n":
        assert process.poll() is None
    process.send_signal(number)
    process.wait(timeout=60)
    if number == signal.SIGKILL:
        assert {run.info.status for run in runs(root).values()} == {"RUNNING"}
        start(hook)
        hook.before_node_run(NODE, INPUTS)
        hook._close_child("FINISHED")
        hook.after_pipeline_run()
    killed = ["KILLED", "KILLED"]
    client, experiment = connect(root)
    statuses = sorted(run.info.status for run in client.search_runs([experiment]))
    assert statuses == (["FINISHED", "FINISHED", *killed] if number == signal.SIGKILL else killed)


def test_parameters_are_flattened_to_names():
    assert flatten({"a": {"b": 1, "c": [1, 2]}}, "m") == {"m.a.b": 1, "m.a.c": [1, 2]}


def test_the_fingerprint_tells_data_apart():
    windows = pd.DataFrame({"eeg_id": [1, 2]})
    images = np.zeros((2, 4, 4), np.float16)
    changed = images.copy()
    changed[1, 0, 0] = 1
    prints = {
        data_fingerprint(images, windows),
        data_fingerprint(changed, windows),
        data_fingerprint(images, windows.iloc[::-1]),
    }
    assert len(prints) == 3
    assert data_fingerprint(images.copy(), windows.copy()) in prints
