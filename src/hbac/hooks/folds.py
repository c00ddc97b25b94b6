"""Each fold and each architecture is a namespace, which must be known when pipelines are wired."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings
from kedro.utils import find_kedro_project

from hbac.models.inputs import split_names
from hbac.models.seeds import network_names
from hbac.tracking.parameters import CHANGED


class Networks(NamedTuple):
    """What is trained: networks of these names in each fold.

    Attributes:
        n_folds: number of folds.
        names: see ``hbac.models.seeds``.
        full_fit: whether they are trained on all folds as well.
        taught: whether they have teachers.
    """

    n_folds: int = 5
    names: tuple[str, ...] = ("efficientnet_b0",)
    full_fit: bool = False
    taught: bool = False


_configured: dict[str, Networks] = {}


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _networks(parameters: dict[str, Any]) -> Networks:
    """What the parameters ask for; what can't be read is refused later, with its reason."""
    modeling = parameters.get("modeling", {})
    n_folds, architecture = modeling.get("n_folds"), modeling.get("network", {}).get("architecture")
    default = Networks()
    try:
        architectures = split_names(architecture)
    except (AttributeError, ValueError):
        architectures = default.names
    training = modeling.get("training", {})
    seeds = training.get("seeds")
    return Networks(
        n_folds if _is_count(n_folds) else default.n_folds,
        network_names(architectures, seeds if _is_count(seeds) else 1),
        training.get("full_fit") is True,
        _is_positive(training.get("teacher_votes")),
    )


def _configure(parameters: dict[str, Any]) -> None:
    _configured["base"] = _networks(parameters)
    for name in CHANGED:
        _configured[name.removesuffix("_parameters")] = _networks(parameters.get(name, {}))


def configured_networks(parameters: str) -> Networks:
    """What the project's configuration asks to be trained.

    Args:
        parameters: ``base`` for the project's parameters, ``demo`` and ``pretraining`` for those
            of these pipelines.
    """
    project = find_kedro_project(Path.cwd())
    if not _configured and project is not None:
        # kedro-viz and `kedro registry` wire pipelines before there is a context.
        conf_source = str(project / settings.CONF_SOURCE)
        _configure(OmegaConfigLoader(conf_source, **settings.CONFIG_LOADER_ARGS)["parameters"])
    return _configured.get(parameters, Networks())


class FoldsHook:
    """Reads the number of folds and the architectures as soon as a run's configuration is known."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember them for the project's parameters and for those of pipelines of their own."""
        _configure(context.config_loader["parameters"])
