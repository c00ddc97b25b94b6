"""Checks before the first node: typos, missing inputs, and folders that must not be written to."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import yaml
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from omegaconf.errors import OmegaConfBaseException
from upath import UPath

from hbac.hooks.absent import may_be_absent, notes_of
from hbac.hooks.location import data_folders, is_inside, location_of, make_folder

RUNTIME_SETTINGS = (
    *("raw_dir", "data_dir", "models_dir", "oof_predictions"),
    *("n_jobs", "backend", "scheduler", "on_error", "identify_by"),
    *("max_failure_rate", "tolerated_failures"),
)
"""What ``kedro run --params`` may set beside the parameters of the pipelines."""

SIMULATED_MARK = ".simulated-by-hbac"
OWNER_MARK = ".hbac-raw-dir.json"


class GuardError(click.ClickException):
    """A run that was refused before its first node."""


def _has_files(folder: UPath) -> bool:
    return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())


def _declared_parameters(config_loader: Any) -> set[str]:
    """Top-level names in the parameter files, without those given at run time."""
    folders = {config_loader.base_env, config_loader.env or config_loader.default_run_env}
    files = [
        file
        for folder in folders
        for file in Path(config_loader.conf_source, folder).glob("**/parameters*.yml")
    ]
    return {name for file in files for name in yaml.safe_load(file.read_text()) or {}}


def check_names(declared: set[str], runtime_params: dict[str, Any]) -> None:
    """Refuse a runtime parameter that no configuration file knows.

    Raises:
        GuardError: naming the parameter and what may have been meant.
    """
    known = sorted({*declared, *RUNTIME_SETTINGS})
    for name in runtime_params:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
            raise GuardError(f"there is no parameter {name!r}{hint}")


def check_references(config_loader: Any) -> None:
    """Refuse parameters that refer to what is not there, such as a recipe that nobody wrote.

    Raises:
        GuardError: with the reason.
    """
    try:
        config_loader["parameters"]
    except OmegaConfBaseException as error:
        raise GuardError(str(error).partition("\n")[0]) from error


def check_outputs(pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath) -> None:
    """Refuse to write into a raw_dir that no simulation of hbac made; mark a new one as such.

    Raises:
        GuardError: naming the first dataset that would be written there.
    """
    paths = {name: location_of(catalog.get(name)) for name in sorted(pipeline.all_outputs())}
    inside = [name for name, path in paths.items() if path and is_inside(path, raw_dir)]
    if not inside:
        return
    if _has_files(raw_dir) and not (raw_dir / SIMULATED_MARK).exists():
        raise GuardError(
            f"this run would write {inside[0]} to {paths[inside[0]]}, but hbac did not make the "
            f"raw data in {raw_dir} and never writes to such. Name other folders, such as "
            f"--params raw_dir=data/simulated/01_raw,data_dir=data/simulated"
        )
    if not (raw_dir / SIMULATED_MARK).exists():
        make_folder(raw_dir)
        (raw_dir / SIMULATED_MARK).touch()


def check_owner(
    pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath, data_dir: UPath
) -> None:
    """Refuse to mix two data sets in one data_dir; note whose it is.

    Raises:
        GuardError: if the folder holds what was made from another raw_dir.
    """
    paths = (location_of(catalog.get(name)) for name in pipeline.datasets())
    if not any(path and is_inside(path, raw_dir) for path in paths):
        return
    mark = data_dir / OWNER_MARK
    if not mark.exists():
        make_folder(data_dir)
        mark.write_text(json.dumps({"raw_dir": str(raw_dir)}) + "\n")
    owner = json.loads(mark.read_text())["raw_dir"]
    if owner != str(raw_dir):
        raise GuardError(
            f"{data_dir} holds what was made from {owner}; two data sets never share a folder. "
            f"Give {raw_dir} its own: --params raw_dir={raw_dir},data_dir=data/{raw_dir.name}"
        )


def _makers(name: str) -> list[str]:
    """Pipelines that write a dataset, the most particular first."""
    makers = [maker for maker in pipelines if name in pipelines[maker].all_outputs()]
    return sorted(makers, key=lambda maker: len(pipelines[maker].nodes))


def _raw_data_help(raw_dir: UPath) -> str:
    return (
        f"No raw data in {raw_dir}. It must hold train.csv, train_eegs/ and train_spectrograms/ in "
        "the layout of the HMS-HBAC competition (README, 'Your data'). Type one of:\n"
        "  kedro run --pipeline demo                                  simulate a small data set\n"
        "  kedro run --params raw_dir=PATH,data_dir=data/NAME         use a data set of your own\n"
        "  kedro run --env hms                                        use the competition's data"
    )


def _is_there(dataset: Any, path: UPath, raw_dir: UPath) -> bool:
    """Whether there is an input; of raw data files may be missing, each of which is set aside."""
    is_there = dataset.exists
    if is_inside(path, raw_dir):
        is_there = getattr(dataset, "is_readable", is_there)
    return is_there()


def check_inputs(pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath) -> None:
    """Refuse to start while an input is missing that a node cannot do without.

    Raises:
        GuardError: naming each missing file and the pipeline that makes it.
    """
    missing = {}
    for name in sorted(pipeline.inputs() - may_be_absent(pipeline)):
        dataset = None if name.startswith("params:") or name == "parameters" else catalog.get(name)
        path, notes = location_of(dataset), notes_of(dataset)
        made = notes.get("optional") or notes.get("made_with") in pipeline.all_outputs()
        if path and not made and not _is_there(dataset, path, raw_dir):
            missing[name] = (path, notes.get("made_with", name))
    if not missing:
        return
    lines = []
    for name, (path, made_with) in missing.items():
        makers = [] if is_inside(path, raw_dir) else _makers(made_with)
        made = f", made by: kedro run --pipeline {makers[0]}" if makers else ""
        lines.append(f"  {name}: {path}{made}")
    raw = any(is_inside(path, raw_dir) for path, _ in missing.values())
    advice = f"\n{_raw_data_help(raw_dir)}" if raw else ""
    raise GuardError("missing input:\n" + "\n".join(lines) + advice)


class GuardHook:
    """Runs every check before the first node."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Check the names of runtime parameters, and find out where the data lies."""
        runtime_params = context.config_loader.runtime_params or {}
        check_names(_declared_parameters(context.config_loader), runtime_params)
        check_references(context.config_loader)
        self._raw_dir, self._data_dir = data_folders(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Check inputs and outputs."""
        check_inputs(pipeline, catalog, self._raw_dir)
        check_outputs(pipeline, catalog, self._raw_dir)
        check_owner(pipeline, catalog, self._raw_dir, self._data_dir)
