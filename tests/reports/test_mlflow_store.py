"""What becomes of MLflow's store when a project is moved, copied, shared, or oddly named."""

import logging
import shutil
import sqlite3
import ssl
import subprocess
import sys
from types import SimpleNamespace
from urllib.error import URLError

import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient

from hbac.tracking import EpochMetrics, store
from hbac.tracking import hook as hooks
from hbac.tracking.store import TrackingError, connect, page_of_runs, tracking_uri
from tests.conftest import PROJECT
from tests.tracking.test_hook import HISTORY, INPUTS, NODE, OTHER, runs, start, train_one

ODD_NAMES = ["a b", "a#b", "a?b", "a&b", "a%20b", "a%b", "a'b", 'a"b', "ü€", "a\nb", "a\\b", "[a]"]


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_nothing_is_made_outside_a_folder_of_any_name(empty_store, tmp_path, monkeypatch, name):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / name
    root.mkdir()
    shutil.copy(empty_store, root)
    client, experiment = connect(root)
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "text", "a.txt")
    assert {file.partition("/")[0] for file in files_of(tmp_path)} == {name}
    kept = [file for file in files_of(root) if file.endswith("a.txt")]
    assert kept == [f"mlartifacts/{run.info.run_id}/artifacts/a.txt"]
    with sqlite3.connect(root / "mlflow.db") as database:
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)


def test_a_store_is_made_in_a_folder_of_any_name(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "a'b\"c :d%41"
    root.mkdir()
    monkeypatch.chdir(root)
    client, experiment = connect(root)
    for each in (experiment, "0"):
        client.log_text(client.create_run(each).info.run_id, "text", "a.txt")
    assert {file.partition("/")[0] for file in files_of(tmp_path)} == {root.name}
    assert {file.partition("/")[0] for file in files_of(root)} == {
        "mlartifacts",
        "mlflow.db",
        "mlflow.db.lock",
    }


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_a_project_that_was_moved_or_copied_keeps_its_artifacts(root, tmp_path, way):
    first = tmp_path / "first"
    first.mkdir()
    shutil.move(root / "mlflow.db", first)
    client, experiment = connect(first)
    before = client.create_run(experiment).info.run_id
    client.log_text(before, "early", "early.txt")
    second = tmp_path / "elsewhere" / "second"
    second.parent.mkdir()
    way(first, second)
    there = files_of(first) if first.exists() else None
    client, experiment = connect(second)
    after = client.create_run(experiment).info.run_id
    client.log_text(after, "late", "late.txt")
    for run_id, name in ((before, "early.txt"), (after, "late.txt")):
        assert [file.path for file in client.list_artifacts(run_id)] == [name]
        assert (second / "mlartifacts" / run_id / "artifacts" / name).is_file()
    assert (files_of(first) if first.exists() else None) == there


def test_a_deleted_experiment_is_restored(root):
    client, experiment = connect(root)
    client.delete_experiment(experiment)
    assert connect(root)[1] == experiment
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_an_empty_address_is_none(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert tracking_uri(root) == f"sqlite:///{root}/mlflow.db"
    assert page_of_runs(root)[0] == "sqlite:///mlflow.db"


def test_the_experiment_may_be_named(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the ward")
    client, experiment = connect(root)
    assert client.get_experiment(experiment).name == "of the ward"
    assert page_of_runs(root)[1].endswith(
        f"/#/experiments/{experiment}/runs?workflowType=machine_learning"
    )
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    assert connect(root)[1] == "0"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    with pytest.raises(TrackingError, match="names the experiment 77, which the store doesn't"):
        connect(root)


def test_the_page_of_runs_is_named_before_there_are_any(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert page_of_runs(tmp_path) == (
        "sqlite:///mlflow.db",
        "http://127.0.0.1:5000/#/experiments",
    )
    assert not any(tmp_path.iterdir())


GONE = "http://ward:secret@127.0.0.1:9"
WRONG_STORES = {
    GONE: "Connection refused",
    "http://127.0.0.1:port": "nonnumeric port",
    "http://": "no host given",
}


@pytest.mark.parametrize(("uri", "reason"), WRONG_STORES.items(), ids=range(len(WRONG_STORES)))
def test_a_server_that_is_gone_is_named_before_the_first_node(hook, monkeypatch, uri, reason):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match=reason) as refused:
        start(hook)
    assert "Set MLFLOW_TRACKING_URI to a server that answers" in str(refused.value)


def test_a_password_is_shown_nowhere(hook, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", GONE)
    with pytest.raises(TrackingError, match=r"logged to http://127\.0\.0\.1:9 "):
        start(hook)
    assert page_of_runs(hook._root) == (None, "http://127.0.0.1:9/#/experiments")


def test_certificates_are_left_to_mlflow(hook, monkeypatch):
    def untrusted(*_, **__):
        raise URLError(ssl.SSLCertVerificationError("self-signed certificate"))

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://127.0.0.1:9")
    monkeypatch.setattr(store.urllib.request, "urlopen", untrusted)
    start(hook)


@pytest.mark.parametrize("name", ["mlflow.db", ""])
def test_a_store_that_may_not_be_written_is_named_before_the_first_node(
    hook, root, monkeypatch, name
):
    monkeypatch.setattr(store.os, "access", lambda path, _: path != root / name)
    with pytest.raises(TrackingError, match=f"{root / name} can't be written to"):
        start(hook)


@pytest.mark.parametrize(
    "uri", ["runs", "file:///runs", "htp://host", "host:5000", "postgresql://a@127.0.0.1:9/b"]
)
def test_what_mlflow_cannot_open_is_named(root, monkeypatch, uri):
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match=r"can't be logged to .*\. Set MLFLOW_TRACKING_URI to"):
        connect(root)
    assert files_of(root) == ["mlflow.db"]


def test_a_database_that_is_none_is_named(root):
    (root / "mlflow.db").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(TrackingError, match="not a database"):
        connect(root)


def test_a_store_that_goes_does_not_end_a_run_that_had_nothing_to_log(hook, monkeypatch, caplog):
    start(hook)
    hook.before_node_run(OTHER, {})
    monkeypatch.setattr(hook, "_client", None)
    hook.after_pipeline_run()
    assert "MLflow could not take that a run made nothing, the run goes on without" in caplog.text


def test_epochs_wait_once_for_a_store_that_is_gone(hook, root, monkeypatch):
    calls = []

    def gone(*_, **__):
        calls.append(1)
        raise OSError("Connection refused")

    start(hook)
    hook.before_node_run(NODE, INPUTS)
    epochs = EpochMetrics()
    with monkeypatch.context() as patch:
        patch.setattr(hook._client, "log_batch", gone)
        for epoch in range(3):
            epochs.on_epoch_end(epoch, {"val_loss": 0.5})
    assert len(calls) == 1
    hook.after_node_run(NODE, {"fold_0.compact.history": HISTORY})
    hook.after_pipeline_run()
    run_id = runs(root)["fold_0.compact"].info.run_id
    client, _ = connect(root)
    assert [each.step for each in client.get_metric_history(run_id, "val_loss")] == [1, 2, 3]


def test_a_figure_that_cannot_be_logged_does_not_end_the_run(hook, root, caplog, monkeypatch):
    start(hook)
    train_one(hook)
    broken = SimpleNamespace(log_artifact=None, set_terminated=hook._client.set_terminated)
    monkeypatch.setattr(hook, "_client", broken)
    with caplog.at_level(logging.WARNING):
        hook.after_dataset_saved("a_figure", Figure())
        hook.after_pipeline_run()
    assert "MLflow could not take a_figure, the run goes on without" in caplog.text
    assert runs(root)["seed modeling 1"].info.status == "FINISHED"


def test_a_user_without_a_name_is_a_number(hook, root, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(hooks.getpass, "getuser", nobody)
    monkeypatch.setattr(hooks.os, "getuid", lambda: 4242)
    start(hook)
    hook.before_node_run(NODE, {})
    hook.on_pipeline_error()
    assert runs(root)["seed modeling 1"].data.tags["mlflow.user"] == "4242"


FIRST = """
import sys
from pathlib import Path
from hbac.tracking.store import connect
print(connect(Path(sys.argv[1]))[1])
"""


@pytest.mark.slow
def test_two_first_runs_at_once_make_one_store(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = [sys.executable, "-c", FIRST, str(tmp_path)]
    both = [
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    found = {process.communicate(timeout=300)[0] for process in both}
    assert len(found) == 1
    assert not any(process.returncode for process in both)
    client = MlflowClient(tracking_uri(tmp_path))
    assert [each.name for each in client.search_experiments()].count("hbac") == 1
