"""The Kedro hook that turns a run of ``modeling`` into MLflow runs."""

from __future__ import annotations

import atexit
import getpass
import os
import signal
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from matplotlib.figure import Figure

from hbac import models
from hbac.cells import after_cell
from hbac.models.inputs import INPUTS
from hbac.models.seeds import architecture_of
from hbac.tracking.current import Run, set_current_run, tolerated
from hbac.tracking.data import data_fingerprint
from hbac.tracking.parameters import CHANGED, flatten, readable_parameters
from hbac.tracking.process import end_abandoned_runs, process_tag
from hbac.tracking.runs import DATA_DIR
from hbac.tracking.scores import (
    explanation_scores,
    kl_of_ensemble,
    log_history,
    member_metrics,
    readable_scores,
    summarise_training,
)
from hbac.tracking.store import check_store, connect, numbered, tracking_uri

TRAINING = "training"
"""Tag of the nodes that train a network."""

EXPLAINING = "explaining"
"""Tag of the node that sums up the tests of explanations."""

JOINING = "joining"
"""Tag of the node that describes an ensemble of finished runs."""

_PREFIX = "pretraining."
"""Of the datasets of the pipeline that makes the shipped networks."""


def _git_commit(root: Path) -> str | None:
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _user() -> str:
    """Name of the user, or the number of one that has none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _network_of(node: Node) -> str:
    """Fold and architecture: the innermost two of the groups that a node is in."""
    return ".".join(node.namespace.split(".")[-2:])


def _group(name: str) -> str:
    """The group of parameters that a dataset holds, as all pipelines call it."""
    first, _, rest = name.removeprefix("params:").partition(".")
    return rest if first in CHANGED else name.removeprefix("params:")


def _data_dir(context: Any) -> str | None:
    """Where the run writes, if that is known: a URL, or an absolute path."""
    loader = getattr(context, "config_loader", None)
    if loader is None:
        return None
    named = str((loader["globals"] | (loader.runtime_params or {}))["data_dir"])
    return named if "://" in named else str(Path(context.project_path, named).resolve())


class MlflowHook:
    """Opens a parent run for a pipeline that trains, and a child run for each of its networks.

    A pipeline that joins finished runs gets a run too, with what each of them adds.

    A pipeline that only explains networks gets a run of its own; its tag ``ensemble`` is that of
    the run that trained them.

    A run that fails ends as FAILED and one that is interrupted as KILLED: with its cell in a
    notebook, before the next run in the same process, or with the process. One whose process was
    killed outright is marked so by the next run on the same machine.

    What can't be logged is a warning. Networks may be trained side by side, on threads; processes
    that Kedro's ``ParallelRunner`` starts log nothing.
    """

    def __init__(self) -> None:
        self._parent: Run | None = None
        self._children: dict[str, Run] = {}
        self._monitor = None
        self._planned = None
        self._process: int | None = None
        self._lock = threading.RLock()

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the project's folder, and end what an interrupted run left open."""
        self._end("KILLED")
        self._root = Path(context.project_path)
        self._data_dir = _data_dir(context)

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Note what there is to log, where a node trains or explains.

        Raises:
            TrackingError: if it is to be logged to a store that can't be used.
        """
        self._planned, self._process = None, os.getpid()
        self._training = [node for node in pipeline.nodes if TRAINING in node.tags]
        others = any({EXPLAINING, JOINING} & node.tags for node in pipeline.nodes)
        if self._training or others:
            check_store(tracking_uri(self._root))
            self._catalog = catalog
            self._planned = (run_params, pipeline)

    def _parameters(self, pipeline: Pipeline) -> dict[str, str]:
        names = sorted(name for name in pipeline.inputs() if name.startswith("params:"))
        # A pipeline that changes parameters may have chosen its recipe as well.
        changed = {name.partition(".")[0] for name in names if _group(name) != name[7:]}
        recipes = ["params:recipe", *(f"{group}.recipe" for group in changed)]
        names += [name for name in recipes if name in self._catalog]
        return readable_parameters({_group(name): self._catalog.load(name) for name in names})

    def _open_parent(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        self._client, self._experiment = connect(self._root)
        end_abandoned_runs(self._client, self._experiment)
        self._fingerprints, self._scores, self._registered = {}, {}, None
        self._explained = self._joined = False
        parameters = self._parameters(pipeline)
        self._recipe = parameters.get("recipe", "")
        pipelines = run_params.get("pipeline_names") or ["__default__"]
        architecture = parameters.get("modeling.network.architecture")
        # What differs most stands first: the table of runs cuts long names off.
        name = " ".join(filter(None, [self._recipe, architecture, *pipelines])).replace("__", "")
        name = numbered(self._client, self._experiment, name)
        self._parent = self._open(name, self._source_tags(pipelines))
        self._parent.log_params(parameters)
        self._watch()

    def _source_tags(self, pipelines: list[str]) -> dict[str, str]:
        tags = {
            # The page shows what comes after its last slash, so the paths stand elsewhere.
            "mlflow.source.name": f"kedro run --pipeline {','.join(pipelines)}",
            "command": " ".join(["kedro", *sys.argv[1:]]),
            "mlflow.source.type": "LOCAL",
            "mlflow.user": _user(),
        }
        commit = _git_commit(self._root)
        if self._training and self._data_dir:
            tags[DATA_DIR] = self._data_dir
        return tags | ({"mlflow.source.git.commit": commit} if commit else {})

    def _open(self, name: str, tags: dict[str, str]) -> Run:
        run = self._client.create_run(self._experiment, run_name=name, tags=process_tag() | tags)
        return Run(self._client, run.info.run_id)

    def _watch(self) -> None:
        """Log the machine's load, and end the runs should the process end first."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self._parent.run_id, sampling_interval=5)
        self._monitor.start()
        atexit.register(self._end, "KILLED")
        after_cell(partial(self._end, "KILLED"))
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                # `nohup` has the end of a terminal ignored; others may have handlers of their own.
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, lambda number, frame: sys.exit(128 + number))

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Open the parent run with the first node, and a child run with a network's training."""
        with self._lock:
            if self._planned is not None and self._process == os.getpid():
                planned, self._planned = self._planned, None
                self._open_parent(*planned)
        if self._parent is not None and TRAINING in node.tags:
            with self._lock, tolerated(f"the training of {_network_of(node)}"):
                self._open_child(node, inputs)

    def _open_child(self, node: Node, inputs: dict[str, Any]) -> None:
        name = _network_of(node)
        fold, architecture = name.split(".")
        kind = INPUTS[architecture_of(architecture)]
        self._note_data(kind, *(inputs[name] for name in node.inputs[:2]))
        tags = {"mlflow.parentRunId": self._parent.run_id} | self._data_tags(kind)
        child = self._children[node.name] = self._open(name, tags)
        set_current_run(child)
        child.log_params({"fold": fold.removeprefix("fold_"), "architecture": architecture})

    def _note_data(self, kind: str, data: np.ndarray, split: pd.DataFrame) -> None:
        """Tell the parent what networks are trained on, once for each kind of input."""
        if kind in self._fingerprints:
            return
        windows = split.drop(columns=["held_out"])
        if not self._fingerprints:
            sizes = {"windows": len(windows), "patients": windows["patient_id"].nunique()}
            self._parent.log_params(flatten({"data": sizes, "keras": models.keras_in_force()}))
        self._fingerprints[kind] = data_fingerprint(data, windows)
        for name, value in self._data_tags(kind).items():
            self._client.set_tag(self._parent.run_id, name, value)

    def _data_tags(self, *kinds: str) -> dict[str, str]:
        return {f"data_fingerprint.{kind}": self._fingerprints[kind] for kind in kinds}

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """Complete the epochs of the network's run, and close it."""
        if node.name in self._children:
            with tolerated(f"the epochs of {_network_of(node)}"):
                log_history(self._children[node.name], outputs[node.outputs[1]])
            self._close_child(node.name, "FINISHED")

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log what the same run makes of all networks to the parent run."""
        if self._parent is not None and self._process == os.getpid():
            with self._lock, tolerated(dataset_name):
                self._log(dataset_name, data)

    def _log(self, dataset_name: str, data: Any) -> None:
        name = dataset_name.removeprefix(_PREFIX)
        if isinstance(data, Figure):
            self._log_figure(dataset_name)
        elif name == "training_history":
            self._parent.log_metrics(summarise_training(data))
        elif name == "metrics":
            self._log_scores(data)
        elif name == "explanation_scores":
            self._log_explanations(data)
        elif name == "pool_scores":
            self._log_scores({"kl": kl_of_ensemble(data)})
        elif name == "member_scores":
            self._parent.log_metrics(member_metrics(data))
        elif name == "ensemble":
            self._tag_ensemble(data)
            register = self._register_members if "members" in data else self._register_ensemble
            register(data)
            self._tag_version()

    def _log_figure(self, name: str) -> None:
        """Log the file that was saved; to draw the figure anew would take as long again."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{name}.png")
            file.write_bytes(self._catalog.load(name))
            self._client.log_artifact(self._parent.run_id, str(file), "figures")

    def _log_scores(self, metrics: dict[str, Any]) -> None:
        self._scores = readable_scores(metrics)
        model_id = self._registered and self._registered.model_id
        self._parent.log_metrics(self._scores, model_id=model_id)
        if metrics.get("warnings"):
            text = "\n".join(metrics["warnings"])
            self._client.set_tag(self._parent.run_id, "warnings", text)
        self._tag_version()

    def _log_explanations(self, record: dict[str, Any]) -> None:
        self._explained = True
        self._parent.log_metrics(explanation_scores(record))
        self._client.set_tag(self._parent.run_id, "explained_by", record["method"])
        self._client.set_tag(self._parent.run_id, "failing_maps", ", ".join(record["failing"]))
        self._tag_ensemble(self._catalog.load("ensemble"))

    def _tag_ensemble(self, record: dict[str, Any]) -> None:
        """Name the ensemble, so that a run that explains it can be found beside its training."""
        self._client.set_tag(self._parent.run_id, "ensemble", joblib.hash(record)[:16])

    def _register_ensemble(self, record: dict[str, Any]) -> None:
        from hbac.tracking.ensemble import register_ensemble

        data = {_network_of(node): node.inputs[:2] for node in self._training}
        stored = {_network_of(node): node.outputs[0] for node in self._training}
        seen = {entry["input"]: data[entry["name"]] for entry in record["networks"]}
        for kind, read in seen.items():  # networks that were there before were not trained
            if kind not in self._fingerprints:
                self._note_data(kind, *map(self._catalog.load, read))
        names = [entry["name"] for entry in record["networks"]]
        self._registered = register_ensemble(
            self._parent,
            record,
            networks={name: self._catalog.get(stored[name]) for name in names},
            tags=self._data_tags(*seen) | {"recipe": self._recipe},
        )

    def _register_members(self, record: dict[str, Any]) -> None:
        from hbac.tracking.ensemble import register_ensemble

        self._joined = True
        self._parent.log_params({"members": ", ".join(record["members"])})
        names = [entry["name"] for entry in record["networks"]]
        folders = {f"member.{name}": member["folder"] for name, member in record["members"].items()}
        self._registered = register_ensemble(
            self._parent,
            record,
            networks={name: self._catalog.get(f"{name}.model") for name in names},
            tags=folders,
        )

    def _tag_version(self) -> None:
        """Note the divergence with the version, whichever of the two comes last."""
        if self._registered is not None and "kl.all.model" in self._scores:
            kl = f"{self._scores['kl.all.model']:.4f}"
            version = self._registered
            self._client.set_model_version_tag(version.name, version.version, "kl", kl)

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Close the network's run as failed."""
        self._close_child(node.name, "FAILED")

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Close every run as failed."""
        self._end("FAILED")

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Close the parent run; one that trained and explained nothing leaves no trace."""
        parent = self._parent
        self._end("FINISHED")
        if parent is not None and not (self._fingerprints or self._explained or self._joined):
            with tolerated("that a run made nothing"):
                self._client.delete_run(parent.run_id)

    def _close_child(self, node: str, status: str) -> None:
        child = self._children.pop(node, None)
        set_current_run(None)
        if child is not None:
            self._close(child, status)

    def _close(self, run: Run, status: str) -> None:
        with tolerated(f"that a run is {status}"):
            self._client.set_terminated(run.run_id, status)

    def _end(self, status: str) -> None:
        """Close what is open; once."""
        for node in [*self._children]:
            self._close_child(node, status)
        if self._parent is None:
            return
        parent, self._parent = self._parent, None
        atexit.unregister(self._end)
        self._monitor.finish()
        self._close(parent, status)
