"""What a run made and where to look next, as its last words."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from hbac.hooks.guard import path_of

logger = logging.getLogger(__name__)


def _layer(dataset: Any) -> str:
    metadata = getattr(dataset, "metadata", None) or {}
    return (metadata.get("kedro-viz") or {}).get("layer", "other")


def made_by(pipeline: Pipeline, catalog: CatalogProtocol, root: Path) -> dict[str, list[str]]:
    """Files and folders that a pipeline wrote, by layer, relative to the project where inside."""
    made: dict[str, list[str]] = {}
    for node in pipeline.nodes:
        for name in node.outputs:
            dataset = catalog.get(name)
            path = path_of(dataset)
            if path is not None:
                shown = Path(path).relative_to(root) if Path(path).is_relative_to(root) else path
                made.setdefault(_layer(dataset), []).append(str(shown))
    return made


class SummaryHook:
    """Ends a run by naming what it made."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the project's folder."""
        self._root = Path(context.project_path)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Log what was made, layer by layer, and the commands that show it."""
        made = made_by(pipeline, catalog, self._root)
        if not made:
            return
        lines = [f"  {layer:<13} {path}" for layer, paths in made.items() for path in paths]
        trained = any("training" in node.tags for node in pipeline.nodes)
        next_steps = [
            "  kedro viz run                                     the pipelines, with previews"
        ]
        if trained:
            next_steps.append(
                "  mlflow ui --backend-store-uri sqlite:///mlflow.db   the training runs"
            )
        logger.info("Made:\n%s\nLook next:\n%s", "\n".join(lines), "\n".join(next_steps))
