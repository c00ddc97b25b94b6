"""Kedro's settings of the project."""

import warnings
from typing import Any

from kedro import KedroDeprecationWarning
from omegaconf import DictConfig, OmegaConf

from hbac.config import ConfigLoader
from hbac.hooks import (
    AbsentHook,
    FoldsHook,
    GarbageHook,
    GuardHook,
    LockHook,
    LoggingHook,
    OwnerHook,
    PlainHook,
    RunnerHook,
    SummaryHook,
    ValuesHook,
)
from hbac.shipped import pretrained_dir
from hbac.tracking import MlflowHook
from hbac.tracking.runs import folders_of_runs


def _merge(parameters: DictConfig, changes: DictConfig) -> DictConfig:
    """Parameters with some of them changed; a list is replaced as a whole."""
    return OmegaConf.merge(parameters, changes)


def _pretrained() -> str:
    """The folder of the networks that ship with the package."""
    return str(pretrained_dir())


def _finished_runs(members: Any) -> list[str]:
    """The folders of runs that are named by these, or by their ids in MLflow."""
    named = [members] if isinstance(members, str) else [str(one) for one in members]
    return named if not named else folders_of_runs(named)


def _choose(recipes: DictConfig, name: str, part: str) -> DictConfig:
    """Part of a recipe by its name."""
    if name not in recipes:
        raise ValueError(f"recipe must be one of {sorted(recipes)}, received {name!r}")
    return recipes[name][part]


# `--pipeline NAME` is what the documentation says, and works in every Kedro 1.
warnings.filterwarnings("ignore", "Option '--pipeline'", KedroDeprecationWarning)
# Folds and test data keep their names within the groups that kedro-viz shows.
warnings.filterwarnings("ignore", "One or more dataset names contain '.'", UserWarning)

# Hooks run last to first. Values are checked once the folds are known that pipelines are wired by;
# folders are marked once every other hook has let the run begin.
HOOKS = (
    OwnerHook(),
    SummaryHook(),
    MlflowHook(),
    LockHook(),
    ValuesHook(),
    FoldsHook(),
    AbsentHook(),
    GuardHook(),
    RunnerHook(),
    PlainHook(),
    LoggingHook(),
    GarbageHook(),
)

# Nothing is sent anywhere, wherever a run is started; .telemetry says so in the project's folder.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "custom_resolvers": {
        "merge": _merge,
        "choose": _choose,
        "pretrained": _pretrained,
        "finished_runs": _finished_runs,
    },
}
