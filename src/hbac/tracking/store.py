"""Where runs are kept, and what becomes of those whose process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

EXPERIMENT = "hbac"

_PROCESS = "hbac.process"


def tracking_uri(root: Path) -> str:
    """Address of the store: ``MLFLOW_TRACKING_URI``, or a database in the project's folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def _artifacts_beside(database: str) -> str:
    folder = Path(database.removeprefix("sqlite:///")).resolve().parent
    return (folder / "mlartifacts").as_uri()


def connect(root: Path):
    """Open the store and its experiment, made if need be.

    Args:
        root: the project's folder, which holds the database and the artifacts beside it, unless
            ``MLFLOW_TRACKING_URI`` says otherwise.

    Returns:
        An ``MlflowClient`` and the experiment's id.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    uri = tracking_uri(root)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is not None:
        return client, experiment.experiment_id
    artifacts = _artifacts_beside(uri) if uri.startswith("sqlite:") else None
    # Tells the page to open on training runs rather than on traces of language models.
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=kind)


def numbered(client, experiment_id: str, name: str) -> str:
    """Append a number that no run of that name has yet, so that two can be told apart."""
    # The underscore of an architecture's name matches itself, too.
    same = client.search_runs([experiment_id], f"attributes.run_name LIKE '{name} %'")
    numbers = [
        int(text) for run in same if (text := run.info.run_name[len(name) :].strip()).isdigit()
    ]
    return f"{name} {max(numbers, default=0) + 1}"


def process_tag() -> dict[str, str]:
    """Tag that tells which process a run belongs to, even once its number is another's."""
    process = psutil.Process()
    return {_PROCESS: f"{socket.gethostname()}:{process.pid}:{process.create_time()}"}


def _is_alive(tag: str) -> bool:
    _, number, started = tag.rsplit(":", 2)
    try:
        process = psutil.Process(int(number))
    except psutil.NoSuchProcess:
        return False
    return str(process.create_time()) == started


def end_abandoned_runs(client, experiment_id: str) -> None:
    """Mark as killed what claims to be running on this machine but has no process any more."""
    running = client.search_runs(
        [experiment_id],
        f"attributes.status = 'RUNNING' and tags.`{_PROCESS}` LIKE '{socket.gethostname()}:%'",
    )
    for run in running:
        if not _is_alive(run.data.tags[_PROCESS]):
            client.set_terminated(run.info.run_id, "KILLED")
