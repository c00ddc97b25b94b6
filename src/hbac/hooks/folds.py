"""Each fold is a namespace of its own, so their number must be known when pipelines are wired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings
from kedro.utils import find_kedro_project

_DEFAULT = 5
_configured: dict[str, int] = {}


def _folds(parameters: dict[str, Any]) -> int:
    n_folds = parameters.get("modeling", {}).get("n_folds", _DEFAULT)
    return n_folds if isinstance(n_folds, int) and n_folds > 0 else _DEFAULT


def _configure(parameters: dict[str, Any]) -> None:
    _configured["base"] = _folds(parameters)
    _configured["demo"] = _folds(parameters.get("demo_parameters", {}))


def configured_folds(parameters: str) -> int:
    """Number of folds that the project's configuration asks for.

    Args:
        parameters: ``base`` for the project's parameters, ``demo`` for those of the demo.
    """
    project = find_kedro_project(Path.cwd())
    if not _configured and project is not None:
        # kedro-viz and `kedro registry` wire pipelines before there is a context.
        conf_source = str(project / settings.CONF_SOURCE)
        _configure(OmegaConfigLoader(conf_source, **settings.CONFIG_LOADER_ARGS)["parameters"])
    return _configured.get(parameters, _DEFAULT)


class FoldsHook:
    """Reads the number of folds as soon as the configuration of a run is known."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the number of folds of the project's parameters and of the demo's."""
        _configure(context.config_loader["parameters"])
