"""Where runs are kept, and what becomes of those whose process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

EXPERIMENT = "hbac"

_HOST, _PROCESS, _STARTED = "hbac.host", "hbac.process", "hbac.process_started"


def tracking_uri(root: Path) -> str:
    """Address of the store: ``MLFLOW_TRACKING_URI``, or a database in the project's folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def connect(root: Path):
    """Open the store and its experiment, made if need be.

    Args:
        root: the project's folder, which holds the database and the artifacts.

    Returns:
        An ``MlflowClient`` and the experiment's id.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import mlflow

    uri = tracking_uri(root)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is not None:
        return client, experiment.experiment_id
    artifacts = (root / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    # Tells the page to open on training runs rather than on traces of language models.
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=kind)


def process_tags() -> dict[str, str]:
    """Tags that tell which process a run belongs to."""
    process = psutil.Process()
    return {
        _HOST: socket.gethostname(),
        _PROCESS: str(process.pid),
        _STARTED: str(process.create_time()),
    }


def _is_alive(tags: dict[str, str]) -> bool:
    try:
        process = psutil.Process(int(tags[_PROCESS]))
    except psutil.NoSuchProcess:
        return False
    return str(process.create_time()) == tags[_STARTED]


def end_abandoned_runs(client, experiment_id: str) -> None:
    """Mark as killed what claims to be running on this machine but has no process any more."""
    running = client.search_runs(
        [experiment_id],
        f"attributes.status = 'RUNNING' and tags.`{_HOST}` = '{socket.gethostname()}'",
    )
    for run in running:
        if not _is_alive(run.data.tags):
            client.set_terminated(run.info.run_id, "KILLED")
