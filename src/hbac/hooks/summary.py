"""What a run made and where to look next, as its last words."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import Any

import click
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from upath import UPath

from hbac.hooks.command import Call
from hbac.hooks.journal import Journal
from hbac.hooks.location import is_inside, location_of
from hbac.tracking.store import page_of_runs

logger = logging.getLogger(__name__)

_REPORT = "report"


def _shown(path: UPath, root: Path) -> str:
    """A path, relative to the project where inside."""
    return str(path.relative_to(root) if is_inside(path, UPath(root)) else path)


def _next_steps(catalog: CatalogProtocol, call: Call, root: Path) -> list[str]:
    """Commands that show what this run made, where it made it."""
    report = location_of(catalog.get(_REPORT)) if _REPORT in catalog else None
    store, page = page_of_runs(root)
    steps = {}
    if report is not None and report.exists():
        steps[shlex.quote(_shown(report, root))] = "everything on one page, in any browser"
    if call.in_project:
        steps[call.command("kedro", "viz", "run")] = "the pipelines, with tables and figures"
    if store is not None:
        steps[shlex.join(["mlflow", "ui", "--backend-store-uri", store])] = (
            "a server of training runs"
        )
    steps[page] = "the training runs"
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
    # Kinds of files can share a folder.
    return {layer: list(dict.fromkeys(paths)) for layer, paths in made.items()}


class SummaryHook:
    """Says which node is at work, and ends a run by naming what it made."""

    _nodes: dict[str, Node] | None = None

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the project's folder."""
        self._root = Path(context.project_path)
        self._call = Call.of(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Note how many nodes there are."""
        self._journal = Journal()
        self._nodes = {node.name: node for node in pipeline.nodes}

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Name the node that starts, and its place among all."""
        place = Journal.note(node.name)
        # A process that Kedro's ParallelRunner has spawned doesn't know how many there are.
        total = len(self._nodes) if self._nodes else "?"
        logger.info("[%d/%s] %s", place, total, node.name)

    @hook_impl
    def after_pipeline_run(self, catalog: CatalogProtocol) -> None:
        """Name what was made, layer by layer, and the commands that show it."""
        started = [self._nodes[name] for name in self._journal.nodes()]
        made = made_by(started, catalog, self._root)
        lines = ["", "Made:" if made else "Nothing to do: every output is there."]
        for layer, paths in made.items():
            lines += [f"  {layer}", *(f"    {path}" for path in paths)]
        steps = _next_steps(catalog, self._call, self._root)
        click.echo("\n".join([*lines, "", "Look next:", *steps]))
