"""What the project's code and configuration say, for the pages that are made from them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines as registered
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project
from kedro.io.catalog_config_resolver import DEFAULT_RUNTIME_PATTERN, CatalogConfigResolver
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from hbac.eeg.votes import CLASSES
from hbac.models.inputs import INPUTS

ROOT = Path(__file__).resolve().parents[2]

LAYERS = (
    *("01_raw", "02_intermediate", "03_primary", "04_feature"),
    *("05_model_input", "06_models", "07_model_output", "08_reporting"),
)
"""Kedro's layers, which are named as the folders that they lie in."""

_FAMILIES = (
    (re.compile(r"\bfold_\d+"), "fold_N"),
    (re.compile(rf"(?<=fold_N[._])({'|'.join(INPUTS)})(?=[._]|$)"), "ARCHITECTURE"),
    (re.compile(rf"(?<=_)({'|'.join(CLASSES)})(?=_figure|\.png)"), "CLASS"),
)


def family(name: str) -> str:
    """Name all datasets that differ in fold, architecture or class alike, and so for paths."""
    for pattern, general in _FAMILIES:
        name = pattern.sub(general, name)
    return name


@cache
def pipelines() -> dict[str, Pipeline]:
    """The registered pipelines by name."""
    bootstrap_project(ROOT)
    with contextlib.chdir(ROOT):
        return dict(registered)


def short_name(node: Node) -> str:
    """A node's own name, without the groups that it is in."""
    return node.name.rsplit(".", 1)[-1]


def _loader(**runtime_params: str) -> OmegaConfigLoader:
    bootstrap_project(ROOT)
    return OmegaConfigLoader(
        str(ROOT / settings.CONF_SOURCE),
        env="base",
        runtime_params=runtime_params,
        **settings.CONFIG_LOADER_ARGS,
    )


@cache
def parameters(recipe: str = "seed") -> dict[str, Any]:
    """The project's parameters as they are with a recipe."""
    return _loader(recipe=recipe)["parameters"]


@cache
def _resolver() -> CatalogConfigResolver:
    config = _loader(raw_dir="raw_dir", data_dir="data_dir")["catalog"]
    return CatalogConfigResolver(config, default_runtime_patterns=DEFAULT_RUNTIME_PATTERN)


@cache
def entry(name: str) -> dict[str, Any] | None:
    """What the catalog says of a dataset, or None if it is kept in memory.

    Returns:
        ``type``, ``of_each`` (the type of a file, where the dataset is a folder), ``layer``,
        ``path``, and ``made_with``: the dataset that is written in the same go.
    """
    found = _resolver().resolve_pattern(name)
    path = found.get("filepath", found.get("path"))
    if path is None:
        return None
    kind, of_each = found["type"], found.get("dataset")
    if found.get("filename_suffix"):
        path = f"{path}/ID{found['filename_suffix']}"
    metadata = found.get("metadata") or {}
    return {
        "type": kind,
        "of_each": of_each if isinstance(of_each, str) else (of_each or {}).get("type"),
        "layer": (metadata.get("kedro-viz") or {}).get("layer"),
        "path": family(path).removeprefix(f"{ROOT}/"),
        "made_with": (metadata.get("hbac") or {}).get("made_with"),
    }


def is_parameter(name: str) -> bool:
    """Whether the input of a node is a parameter, not a dataset."""
    return name.startswith("params:") or name == "parameters"


def _unique(names: Iterable[str]) -> list[str]:
    """Keep one dataset of each family, parameters left out, in their order."""
    kept: dict[str, str] = {}
    for name in names:
        if not is_parameter(name):
            kept.setdefault(family(name), name)
    return list(kept.values())


def read_by(node: Node) -> list[str]:
    """The datasets that a node reads."""
    return _unique(node.inputs)


def made_by(node: Node, pipeline: Pipeline) -> list[str]:
    """The datasets that a node makes, with those that are written in the same go."""
    beside = [
        name
        for name in pipeline.inputs()
        if not is_parameter(name) and (entry(name) or {}).get("made_with") in node.outputs
    ]
    return _unique([*node.outputs, *sorted(beside)])


def inputs_of(pipeline: Pipeline) -> list[str]:
    """The datasets that a pipeline must be given."""
    made = {family(name) for name in outputs_of(pipeline)}
    read = [name for node in pipeline.nodes for name in read_by(node)]
    return _unique(name for name in read if family(name) not in made)


def outputs_of(pipeline: Pipeline) -> list[str]:
    """The datasets that a pipeline makes."""
    return _unique(name for node in pipeline.nodes for name in made_by(node, pipeline))
