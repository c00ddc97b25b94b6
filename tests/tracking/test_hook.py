import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline, pipeline
from matplotlib.figure import Figure
from mlflow import MlflowClient

from hbac.datasets import FigureDataset
from hbac.models import keras_in_force
from hbac.tracking.current import current_run
from hbac.tracking.data import data_fingerprint
from hbac.tracking.hook import MlflowHook
from hbac.tracking.store import connect, tracking_uri
from tests.conftest import PROJECT
from tests.services import interruptible
from tests.tracking.test_scores import EXPLANATIONS

KILLING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL)
INPUTS = {
    "model_input": np.zeros((4, 8, 8), np.float16),
    "fold_0_split": pd.DataFrame({"patient_id": [1, 1, 2, 3], "held_out": [0, 0, 1, 1]}),
}
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "loss": [1.0, 0.9, 0.8],
        "val_loss": [1.2, 0.5, 0.7],
        "learning_rate": [0.1, 0.1, 0.01],
        "seconds": [2.0, 1.0, 1.0],
        "kept": [False, False, True],
        "network": "fold_0.compact",
    }
)
METRICS = {
    "kl": {"all": {"model": 1.25, "class prior": 1.5, "n": 4}},
    "kl_interval": {"all": {"model": {"low": 1.0, "high": None}}},
    "confusion": [[1.0, 2.0]],
    "warnings": ["It does not beat the baseline."],
}


def train(model_input, split):
    return None


PIPELINE = Pipeline(
    [
        Node(
            train,
            ["model_input", "fold_0_split"],
            ["fold_0.compact.model", "fold_0.compact.history"],
            name="train_fold",
            namespace="modeling.fold_0.compact",
            tags="training",
        ),
        Node(lambda params: None, "params:modeling", None, name="read_parameters"),
    ]
)
NODE, *_ = PIPELINE.filter(tags=["training"]).nodes
OTHER = Node(train, ["a", "b"], "c", name="other")


def start(hook, pipeline=PIPELINE, batch_size=8, **datasets):
    parameters = {"training": {"batch_size": batch_size}, "network": {"jit_compile": True}}
    parameters = {"params:modeling": parameters, "params:recipe": "seed"}
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in parameters.items()})
    for name, dataset in datasets.items():
        catalog[name] = dataset
    hook.before_pipeline_run({"pipeline_names": ["modeling"]}, pipeline, catalog)


def train_one(hook):
    """Walk the hook through the training of one network."""
    hook.before_node_run(NODE, INPUTS)
    hook.after_node_run(NODE, {"fold_0.compact.history": HISTORY})


def runs(root):
    client, experiment = connect(root)
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def test_a_pipeline_that_trains_nothing_opens_no_run(tmp_path):
    hook = MlflowHook()
    hook.after_context_created(SimpleNamespace(project_path=tmp_path))
    start(hook, Pipeline([OTHER]))
    hook.before_node_run(OTHER, {})
    hook.after_pipeline_run()
    assert not any(tmp_path.iterdir())


def test_a_run_that_trains_nothing_after_all_leaves_no_trace(hook, root):
    start(hook)
    assert runs(root) == {}
    hook.before_node_run(OTHER, {})
    assert len(runs(root)) == 1
    hook.after_pipeline_run()
    assert runs(root) == {}


def test_a_run_that_fails_before_its_first_fold_shows_as_failed(hook, root):
    start(hook)
    hook.before_node_run(OTHER, {})
    hook.on_node_error(NODE)
    hook.on_pipeline_error()
    assert runs(root)["seed modeling 1"].info.status == "FAILED"


def test_the_parent_shows_the_ensemble_and_a_child_its_network(hook, root):
    figure = FigureDataset(filepath=str(root / "a_figure.png"))
    start(hook, a_figure=figure)
    train_one(hook)
    hook.after_dataset_saved("training_history", HISTORY)
    hook.after_dataset_saved("metrics", METRICS)
    figure.save(Figure())
    hook.after_dataset_saved("a_figure", Figure())
    hook.after_pipeline_run()
    parent, child = runs(root)["seed modeling 1"], runs(root)["fold_0.compact"]
    assert {parent.info.status, child.info.status} == {"FINISHED"}
    training = {"kept_val_loss": 0.7, "epochs": 3, "training_seconds": 4}
    scores = {"kl.all.model": 1.25, "kl.all.model.low": 1, "kl.all.class_prior": 1.5}
    shown = {name: value for name, value in parent.data.metrics.items() if "system/" not in name}
    assert shown == training | scores
    assert parent.data.tags["warnings"] == METRICS["warnings"][0]
    assert len(parent.data.tags["data_fingerprint.picture"]) == 16
    in_force = {f"keras.{name}": value for name, value in keras_in_force().items()}
    assert in_force["keras.floatx"] == "float32"
    assert parent.data.params == in_force | {
        "modeling.training.batch_size": "8",
        "recipe": "seed",
        "data.windows": "4",
        "data.patients": "3",
    }
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    shared = "data_fingerprint.picture"
    assert child.data.tags[shared] == parent.data.tags[shared]
    assert child.data.params == {"fold": "0", "architecture": "compact"}
    last = {"loss": 0.8, "val_loss": 0.7, "learning_rate": 0.01, "kept_epoch": 3}
    assert child.data.metrics == training | last
    client, _ = connect(root)
    figures = client.list_artifacts(parent.info.run_id, "figures")
    assert [figure.path for figure in figures] == ["figures/a_figure.png"]
    assert current_run() is None


def test_a_run_that_only_explains_is_logged_and_names_its_ensemble(hook, root):
    ensemble = {"networks": [{"name": "fold_0.compact"}]}
    explaining = Pipeline([Node(train, ["a", "b"], "explanation_scores", tags="explaining")])
    start(hook, explaining, ensemble=MemoryDataset(ensemble))
    hook.before_node_run(OTHER, {})
    hook.after_dataset_saved("explanation_scores", EXPLANATIONS)
    hook.after_pipeline_run()
    run = runs(root)["seed modeling 1"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["faithfulness.ROAD.Fusion.low"] == 0.1
    assert run.data.tags["explained_by"] == "Fusion"
    assert run.data.tags["failing_maps"] == "LayerCAM, EigenCAM"
    start(hook)
    train_one(hook)
    hook.after_dataset_saved("ensemble", ensemble)
    hook.after_pipeline_run()
    trained = runs(root)["seed modeling 2"]
    assert trained.data.tags["ensemble"] == run.data.tags["ensemble"]


def test_epochs_before_an_interruption_are_in_the_run_of_the_rest(hook, root):
    from hbac.tracking import EpochMetrics  # Keras, which the processes below need not load

    start(hook)
    hook.before_node_run(NODE, INPUTS)
    EpochMetrics().on_epoch_end(2, {"loss": 0.8, "val_loss": 0.7, "learning_rate": 0.01})
    hook.after_node_run(NODE, {"fold_0.compact.history": HISTORY})
    hook.after_pipeline_run()
    client, _ = connect(root)
    run_id = runs(root)["fold_0.compact"].info.run_id
    losses = {loss.step: loss.value for loss in client.get_metric_history(run_id, "val_loss")}
    assert losses == {1: 1.2, 2: 0.5, 3: 0.7}
    assert len(client.get_metric_history(run_id, "loss")) == 3


def test_runs_of_one_kind_are_numbered(hook, root):
    for _ in range(2):
        start(hook)
        train_one(hook)
        hook.after_pipeline_run()
    assert {"seed modeling 1", "seed modeling 2"} < set(runs(root))


def test_a_failed_run_shows_as_failed(hook, root):
    start(hook)
    hook.before_node_run(NODE, INPUTS)
    hook.on_node_error(NODE)
    hook.on_pipeline_error()
    assert {run.info.status for run in runs(root).values()} == {"FAILED"}


RUN_FOR_EVER = """
import sys, time
from pathlib import Path
from tests.tracking.test_hook import *
hook = MlflowHook()
hook.after_context_created(SimpleNamespace(project_path=Path(sys.argv[1])))
start(hook)
hook.before_node_run(NODE, INPUTS)
print("running", flush=True)
time.sleep(60)
"""


def statuses(root):
    return sorted(run.info.status for run in MlflowClient(tracking_uri(root)).search_runs(["1"]))


@pytest.fixture
def killed(empty_store, root, tmp_path):
    """By signal, the folder whose run was ended by it."""
    roots = {number: tmp_path / number.name for number in KILLING}
    processes = {}
    for number, root in roots.items():
        shutil.copytree(empty_store.parent, root)
        command = [sys.executable, "-c", RUN_FOR_EVER, str(root)]
        processes[number] = interruptible(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    for number, process in processes.items():
        while process.stdout.readline() != "running\n":
            assert process.poll() is None
        process.send_signal(number)
    for process in processes.values():
        process.communicate(timeout=60)
    return roots


def test_signals_that_somebody_handles_are_left_to_them(hook):
    ends = {signal.SIGTERM: signal.default_int_handler, signal.SIGHUP: signal.SIG_IGN}
    for number, handler in ends.items():
        signal.signal(number, handler)
    start(hook)
    hook.before_node_run(NODE, INPUTS)
    hook.on_pipeline_error()
    assert {number: signal.getsignal(number) for number in ends} == ends


@pytest.mark.slow
def test_an_interrupted_run_shows_as_killed(killed):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        assert statuses(killed[number]) == ["KILLED", "KILLED"]
    root = killed[signal.SIGKILL]
    assert statuses(root) == ["RUNNING", "RUNNING"]
    hook = MlflowHook()
    hook.after_context_created(SimpleNamespace(project_path=root))
    start(hook)
    train_one(hook)
    hook.after_pipeline_run()
    assert statuses(root) == ["FINISHED", "FINISHED", "KILLED", "KILLED"]


def test_each_kind_of_input_has_a_fingerprint(hook, root):
    waveforms = Node(
        train,
        ["waveform_input", "fold_0_split"],
        ["fold_0.resnet_1d.model", "fold_0.resnet_1d.history"],
        name="train_fold",
        namespace="modeling.fold_0.resnet_1d",
        tags="training",
    )
    inputs = INPUTS | {"waveform_input": np.ones((4, 16, 8), np.float16)}
    start(hook)
    for node in (waveforms, NODE):
        hook.before_node_run(node, inputs)
        hook.after_node_run(node, {node.outputs[1]: HISTORY})
    hook.after_pipeline_run()
    windows = INPUTS["fold_0_split"].drop(columns="held_out")
    expected = {
        f"data_fingerprint.{kind}": data_fingerprint(inputs[name], windows)
        for kind, name in (("picture", "model_input"), ("waveform", "waveform_input"))
    }
    found = runs(root)
    tags = found["seed modeling 1"].data.tags
    assert {name: tags.get(name) for name in expected} == expected
    assert "data_fingerprint.picture" not in found["fold_0.resnet_1d"].data.tags


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


def test_a_pipeline_with_parameters_of_its_own_is_logged_by_the_names_of_all(hook, root):
    group = "params:pretraining_parameters"
    renamed = pipeline(
        PIPELINE,
        namespace="pretraining",
        inputs=set(INPUTS),
        parameters={"params:modeling": f"{group}.modeling"},
    )
    (node,) = renamed.filter(tags=["training"]).nodes
    own = {f"{group}.modeling": {"training": {"batch_size": 64}}, f"{group}.recipe": "simulation"}
    start(hook, renamed, **{name: MemoryDataset(value) for name, value in own.items()})
    hook.before_node_run(node, INPUTS)
    hook.after_node_run(node, {node.outputs[1]: HISTORY})
    hook.after_dataset_saved("pretraining.training_history", HISTORY)
    hook.after_dataset_saved("pretraining.metrics", METRICS)
    hook.after_pipeline_run()
    found = runs(root)
    parent, child = found["simulation modeling 1"], found["fold_0.compact"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.data.params["modeling.training.batch_size"] == "64"
    assert parent.data.params["recipe"] == "simulation"
    assert parent.data.metrics["kl.all.model"] == 1.25
    assert parent.data.metrics["epochs"] == 3
