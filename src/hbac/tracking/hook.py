"""The Kedro hook that turns a run of ``modeling`` into MLflow runs."""

from __future__ import annotations

import atexit
import getpass
import hashlib
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from matplotlib.figure import Figure

from hbac.tracking.current import Run, set_current_run
from hbac.tracking.store import connect, end_abandoned_runs, process_tags

logger = logging.getLogger(__name__)

TRAINING = "training"
"""Tag of the nodes that train a fold."""

_METRICS = "metrics"
_CHUNK = 1 << 24


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested dicts and typed parameters to names joined by dots."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if not isinstance(value, dict):
        return {prefix: value}
    flat = {}
    for name, item in value.items():
        flat |= flatten(item, f"{prefix}.{name}" if prefix else str(name))
    return flat


def data_fingerprint(model_input: np.ndarray, windows: pd.DataFrame) -> str:
    """Hash the pictures and the windows that networks are trained on, as 16 hex digits."""
    digest = hashlib.blake2b(digest_size=8)
    rows = max(1, _CHUNK // max(1, model_input[0].nbytes))
    for start in range(0, len(model_input), rows):
        digest.update(np.ascontiguousarray(model_input[start : start + rows]))
    digest.update(pd.util.hash_pandas_object(windows).to_numpy().tobytes())
    return digest.hexdigest()


def _git_commit(root: Path) -> str | None:
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


class MlflowHook:
    """Opens a parent run for a pipeline that trains, and a child run for each of its folds.

    A run that fails ends as FAILED and one that is interrupted as KILLED; one whose process was
    killed outright is marked so by the next run on the same machine.
    """

    def __init__(self) -> None:
        self._parent: Run | None = None
        self._child: Run | None = None
        self._monitor = None
        self._planned = None

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the project's folder."""
        self._root = Path(context.project_path)

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Note what there is to log, where a node trains."""
        self._planned = None
        if any(TRAINING in node.tags for node in pipeline.nodes):
            self._planned = (run_params, pipeline, catalog)

    def _open_parent(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        self._client, self._experiment = connect(self._root)
        end_abandoned_runs(self._client, self._experiment)
        self._fingerprint = None
        names = run_params.get("pipeline_names") or ["__default__"]
        self._parent = self._open(" ".join(names), self._source_tags())
        parameters = sorted(name for name in pipeline.inputs() if name.startswith("params:"))
        for name in parameters:
            group = name.removeprefix("params:").removeprefix("demo_parameters.")
            self._parent.log_params(flatten(catalog.load(name), group))
        self._watch()

    def _source_tags(self) -> dict[str, str]:
        tags = {
            "mlflow.source.name": " ".join(["kedro", *sys.argv[1:]]),
            "mlflow.source.type": "LOCAL",
            "mlflow.user": getpass.getuser(),
        }
        commit = _git_commit(self._root)
        return tags | ({"mlflow.source.git.commit": commit} if commit else {})

    def _open(self, name: str, tags: dict[str, str]) -> Run:
        run = self._client.create_run(self._experiment, run_name=name, tags=process_tags() | tags)
        return Run(self._client, run.info.run_id)

    def _watch(self) -> None:
        """Log the machine's load, and end the runs should the process end first."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self._parent.run_id, sampling_interval=5)
        self._monitor.start()
        atexit.register(self._end, "KILLED")
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Open the parent run with the first node, and a child run with a fold's training."""
        if self._planned is not None:
            self._open_parent(*self._planned)
            self._planned = None
        if self._parent is None or TRAINING not in node.tags:
            return
        if self._fingerprint is None:
            self._note_data(inputs, node.namespace)
        self._child = self._open(node.namespace, {"mlflow.parentRunId": self._parent.run_id})
        set_current_run(self._child)

    def _note_data(self, inputs: dict[str, Any], fold: str) -> None:
        windows = inputs[f"{fold}_split"].drop(columns=["held_out"])
        self._fingerprint = data_fingerprint(inputs["model_input"], windows)
        self._client.set_tag(self._parent.run_id, "data_fingerprint", self._fingerprint)
        self._parent.log_params(
            {"data.windows": len(windows), "data.patients": windows["patient_id"].nunique()}
        )

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """Log the fold's network and best epoch, and close its run."""
        if self._child is None or TRAINING not in node.tags:
            return
        from hbac.tracking.network import log_network

        history = outputs[f"{node.namespace}_history"]
        best = history.loc[history["val_loss"].idxmin()]
        self._child.log_metrics({"best_val_loss": best["val_loss"], "best_epoch": best["epoch"]})
        log_network(self._child, outputs[f"{node.namespace}.model"])
        self._client.set_tag(self._child.run_id, "data_fingerprint", self._fingerprint)
        self._close_child("FINISHED")

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log figures and scores that the same run makes to the parent run."""
        if self._parent is None:
            return
        if isinstance(data, Figure):
            self._client.log_figure(self._parent.run_id, data, f"figures/{dataset_name}.png")
        elif dataset_name == _METRICS:
            numbers = {
                name.replace(" ", "_"): value
                for name, value in flatten(data).items()
                if isinstance(value, int | float)
            }
            self._parent.log_metrics(numbers)

    @hook_impl
    def on_node_error(self) -> None:
        """Close the fold's run as failed."""
        self._close_child("FAILED")

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Close every run as failed."""
        self._end("FAILED")

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Close the parent run; one that found every fold trained already leaves no trace."""
        parent = self._parent
        self._end("FINISHED")
        if parent is not None and self._fingerprint is None:
            self._client.delete_run(parent.run_id)

    def _close_child(self, status: str) -> None:
        if self._child is not None:
            self._client.set_terminated(self._child.run_id, status)
        self._child = None
        set_current_run(None)

    def _end(self, status: str) -> None:
        """Close what is open; once."""
        self._close_child(status)
        if self._parent is None:
            return
        parent, self._parent = self._parent, None
        atexit.unregister(self._end)
        self._monitor.finish()
        self._client.set_terminated(parent.run_id, status)
