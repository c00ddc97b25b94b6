"""Checks before the first node: typos, missing inputs, and folders that must not be written to."""

from __future__ import annotations

from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from omegaconf.errors import OmegaConfBaseException
from upath import UPath
from yaml import YAMLError

from hbac.datasets import simulated
from hbac.hooks.absent import may_be_absent, notes_of
from hbac.hooks.command import Call
from hbac.hooks.location import data_folders, is_inside, location_of
from hbac.hooks.owner import check_models, check_owner, check_predictions
from hbac.hooks.parameters import ParameterFiles, check_effects, check_names
from hbac.hooks.refusal import GuardError
from hbac.hooks.run_settings import check_scheduler, check_settings

_SIMULATED = {"raw_dir": "data/simulated/01_raw", "data_dir": "data/simulated"}
_NEEDED = (
    *("raw_dir", "data_dir", "recipe", "seed", "n_jobs", "backend", "scheduler", "on_error"),
    *("max_failure_rate", "identify_by"),
)
_FINISHED_RUNS = "members"
_PLAIN = Call()
_N_NAMED = 3


def _has_files(folder: UPath) -> bool:
    return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())


def check_configuration(config_loader: Any) -> None:
    """Refuse a configuration that isn't there, can't be read, or refers to what is not there.

    Such as a recipe that nobody wrote.

    Raises:
        GuardError: naming what is wrong with it.
    """
    where = f"the configuration in {config_loader.conf_source}"
    try:
        missing = [name for name in _NEEDED if name not in config_loader["globals"]]
        if missing:
            raise GuardError(f"{where} lacks in base/globals.yml: {', '.join(missing)}. Add them")
        config_loader["parameters"]
    except (MissingConfigException, YAMLError) as error:
        raise GuardError(
            f"{where} can't be read: {error}. Name another by --env or --conf-source, or mend it"
        ) from error
    except OmegaConfBaseException as error:
        raise GuardError(str(error).partition("\n")[0]) from error


def _others_data(raw_dir: UPath) -> str | None:
    """What in a raw_dir is no simulation's, in words, or None."""
    if not (raw_dir / simulated.MARK).exists():
        return f"the raw data in {raw_dir}" if _has_files(raw_dir) else None
    foreign = simulated.foreign_files(raw_dir)
    named = [*foreign[:_N_NAMED], *["..."] * (len(foreign) > _N_NAMED)]
    return f"{', '.join(named)} in {raw_dir}" if foreign else None


def check_outputs(
    pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath, call: Call = _PLAIN
) -> None:
    """Refuse to write into a raw_dir that holds anything but what hbac has simulated.

    Raises:
        GuardError: naming the first dataset that would be written there.
    """
    paths = {name: location_of(catalog.get(name)) for name in sorted(pipeline.all_outputs())}
    inside = [name for name, path in paths.items() if path and is_inside(path, raw_dir)]
    others = _others_data(raw_dir) if inside else None
    if others is not None:
        raise GuardError(
            f"this run would write {inside[0]} to {paths[inside[0]]}, but hbac did not make "
            f"{others} and never writes to such. Name other folders:\n"
            f"  {call.run('demo', models_dir=None, **_SIMULATED)}"
        )


def _makers(name: str) -> list[str]:
    """Pipelines that write a dataset: first those that need no finished runs, then by size."""
    makers = [maker for maker in pipelines if name in pipelines[maker].all_outputs()]

    def effort(maker: str) -> tuple[bool, int]:
        return _FINISHED_RUNS in pipelines[maker].inputs(), len(pipelines[maker].nodes)

    return sorted(makers, key=effort)


def _raw_data_help(raw_dir: UPath, call: Call) -> str:
    run = "kedro run" if call.in_project else "hbac"
    return (
        f"No raw data in {raw_dir}. It must hold train.csv, train_eegs/ and train_spectrograms/ in "
        "the layout of the HMS-HBAC competition (README, 'Your data'). Type one of:\n"
        f"  {f'{run} --pipeline demo':<54}   simulate a small data set\n"
        f"  {f'{run} --params raw_dir=PATH,data_dir=data/NAME':<54}   use a data set of your own\n"
        f"  {f'{run} --env hms':<54}   use the competition's data"
    )


def _is_there(dataset: Any, path: UPath, raw_dir: UPath) -> bool:
    """Whether there is an input; of raw data files may be missing, each of which is set aside."""
    is_there = dataset.exists
    if is_inside(path, raw_dir):
        is_there = getattr(dataset, "is_readable", is_there)
    return is_there()


def check_inputs(
    pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath, call: Call = _PLAIN
) -> None:
    """Refuse to start while an input is missing that a node cannot do without.

    Raises:
        GuardError: naming each missing file and the pipeline that makes it.
    """
    missing, no_data = {}, not raw_dir.exists()
    for name in sorted(pipeline.inputs() - may_be_absent(pipeline)):
        dataset = None if name.startswith("params:") or name == "parameters" else catalog.get(name)
        path, notes = location_of(dataset), notes_of(dataset)
        optional = notes.get("optional") and not (no_data and path and is_inside(path, raw_dir))
        made = optional or notes.get("made_with") in pipeline.all_outputs()
        if path and not made and not _is_there(dataset, path, raw_dir):
            missing[name] = (path, notes.get("made_with", name))
    if not missing:
        return
    lines = []
    for name, (path, made_with) in missing.items():
        makers = [] if is_inside(path, raw_dir) else _makers(made_with)
        made = f", made by: {call.run(makers[0])}" if makers else ""
        lines.append(f"  {name}: {path}{made}")
    raw = any(is_inside(path, raw_dir) for path, _ in missing.values())
    advice = f"\n{_raw_data_help(raw_dir, call)}" if raw else ""
    raise GuardError("missing input:\n" + "\n".join(lines) + advice)


class GuardHook:
    """Runs every check before the first node."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Check settings and the names of parameters, and find out where the data lies."""
        loader = context.config_loader
        check_configuration(loader)
        self._settings = loader["globals"] | (loader.runtime_params or {})
        self._parameters = ParameterFiles(loader)
        check_names(self._parameters)
        check_settings(self._settings)
        self._call, self._folders = Call.of(context), data_folders(context)

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Check parameters, inputs and outputs."""
        check_effects(self._parameters, run_params["pipeline_names"], pipelines)
        check_scheduler(self._settings)
        check_inputs(pipeline, catalog, self._folders.raw_dir, self._call)
        check_outputs(pipeline, catalog, self._folders.raw_dir, self._call)
        for check in (check_owner, check_models, check_predictions):
            check(pipeline, catalog, self._folders, self._call)
