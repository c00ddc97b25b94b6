"""Each fold is a namespace of its own, so their number must be known when pipelines are wired."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl

_DEFAULT = 5
_configured: dict[str, int] = {}


def configured_folds(parameters: str) -> int:
    """Number of folds that ``<parameters>.modeling.n_folds`` asks for in the current project."""
    return _configured.get(parameters, _DEFAULT)


def _folds(parameters: dict[str, Any]) -> int:
    n_folds = parameters.get("modeling", {}).get("n_folds", _DEFAULT)
    return n_folds if isinstance(n_folds, int) and n_folds > 0 else _DEFAULT


class FoldsHook:
    """Reads the number of folds as soon as the configuration is known."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the number of folds of the project's parameters and of the demo's."""
        parameters = context.config_loader["parameters"]
        _configured["base"] = _folds(parameters)
        _configured["demo"] = _folds(parameters.get("demo_parameters", {}))
