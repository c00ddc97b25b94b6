"""What a run made and where to look next, as its last words."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import click
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from upath import UPath

from hbac.hooks.location import is_inside, location_of

logger = logging.getLogger(__name__)

_REPORT = "report"
_STORE = "sqlite:///mlflow.db"
_FOLDERS = ("raw_dir", "data_dir", "models_dir")


def _shown(path: UPath, root: Path) -> str:
    """A path, relative to the project where inside."""
    return str(path.relative_to(root) if is_inside(path, UPath(root)) else path)


def _next_steps(catalog: CatalogProtocol, runtime_params: dict[str, Any], root: Path) -> list[str]:
    """Commands that show what this run made, where it made it."""
    report = location_of(catalog.get(_REPORT)) if _REPORT in catalog else None
    folders = [f"{name}={runtime_params[name]}" for name in _FOLDERS if name in runtime_params]
    params = f" --params {','.join(folders)}" if folders else ""
    store = os.environ.get("MLFLOW_TRACKING_URI", _STORE)
    runs = store if store.startswith("http") else f"mlflow ui --backend-store-uri {store}"
    steps = {
        f"kedro viz run{params}": "the pipelines, with tables and figures",
        runs: "the training runs",
    }
    if report is not None and report.exists():
        steps = {_shown(report, root): "everything on one page, in any browser"} | steps
    width = max(map(len, steps))
    return [f"  {step:{width}}   {meaning}" for step, meaning in steps.items()]


def _layer(dataset: Any) -> str:
    metadata = getattr(dataset, "metadata", None) or {}
    return (metadata.get("kedro-viz") or {}).get("layer", "other")


def made_by(nodes: list[Node], catalog: CatalogProtocol, root: Path) -> dict[str, list[str]]:
    """Files and folders that nodes wrote, by layer, relative to the project where inside."""
    made: dict[str, list[str]] = {}
    for node in nodes:
        for name in node.outputs:
            dataset = catalog.get(name)
            path = location_of(dataset)
            if path is not None:
                made.setdefault(_layer(dataset), []).append(_shown(path, root))
    return made


class SummaryHook:
    """Says which node is at work, and ends a run by naming what it made."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the project's folder."""
        self._root = Path(context.project_path)
        self._runtime_params = context.config_loader.runtime_params or {}

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Note how many nodes there are."""
        self._started, self._total = [], len(pipeline.nodes)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Name the node that starts, and its place among all."""
        self._started.append(node)
        logger.info("[%d/%d] %s", len(self._started), self._total, node.name)

    @hook_impl
    def after_pipeline_run(self, catalog: CatalogProtocol) -> None:
        """Name what was made, layer by layer, and the commands that show it."""
        made = made_by(self._started, catalog, self._root)
        lines = ["", "Made:" if made else "Nothing to do: every output is there."]
        for layer, paths in made.items():
            lines += [f"  {layer}", *(f"    {path}" for path in paths)]
        steps = _next_steps(catalog, self._runtime_params, self._root)
        click.echo("\n".join([*lines, "", "Look next:", *steps]))
