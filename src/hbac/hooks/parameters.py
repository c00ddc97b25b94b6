"""Parameters of a run: those that do not exist, and those that change nothing in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property, partial
from typing import Any

from kedro.framework.project import settings
from kedro.pipeline import Pipeline
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hbac.hooks.refusal import GuardError
from hbac.pipelines.tags import TAKES_WHAT_IS_THERE
from hbac.tracking.parameters import CHANGED

RUN_SETTINGS = (
    *("raw_dir", "data_dir", "models_dir", "recordings", "oof_predictions", "members"),
    *("n_jobs", "backend", "scheduler", "on_error", "identify_by"),
    *("max_failure_rate", "tolerated_failures", "least_chains", "least_present"),
    *("most_channels", "most_hours", "most_unfolding", "most_bytes_at_once"),
    "most_hours_at_once",
)
"""What ``kedro run --params`` may set beside the parameters of the pipelines."""

RUN_WIDE = (*RUN_SETTINGS, "recipe")
"""What may be set whichever pipeline is run."""

_NO_CHOICE = ("recipes", *CHANGED)
_N_NAMED = 3

Name = tuple[str, ...]
"""A parameter's name, cut at its dots."""


def dotted(name: Name) -> str:
    """A parameter's name as it is typed."""
    return ".".join(name)


def _leaves(values: Any, name: Name = ()) -> Iterator[tuple[Name, Any]]:
    """Names of all values that are no groups."""
    if isinstance(values, Mapping) and (values or not name):
        for key, value in values.items():
            yield from _leaves(value, (*name, str(key)))
    else:
        yield name, values


def _nested(values: Iterable[tuple[Name, Any]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values:
        group = nested
        for key in name[:-1]:
            group = group.setdefault(key, {})
        group[name[-1]] = value
    return nested


class ParameterFiles:
    """The parameters of a configuration, with others given at run time than it was loaded with.

    Args:
        config_loader: that of a run.
    """

    def __init__(self, config_loader: Any):
        self._load = partial(
            type(config_loader),
            config_loader.conf_source,
            env=config_loader.env,
            **settings.CONFIG_LOADER_ARGS,
        )
        given = config_loader.runtime_params or {}
        self.given = OmegaConf.to_container(OmegaConf.create(given))
        self._wide = {name: value for name, value in self.given.items() if name in RUN_WIDE}
        own = len(self._wide) < len(self.given)
        self.declared = self._resolve({}) if own else config_loader["parameters"]

    def _resolve(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Resolve the files with some parameters changed, on the run's own settings."""
        try:
            return self._load(runtime_params=parameters | self._wide)["parameters"]
        except OmegaConfBaseException as error:
            raise GuardError(str(error).partition("\n")[0]) from error

    def own(self) -> list[Name]:
        """Names that were given at run time, but for the run's settings."""
        return [name for name, _ in _leaves(self.given) if name[0] not in RUN_WIDE]

    def find(self, name: Name) -> Any:
        """What the files hold under a name, or KeyError."""
        found = self.declared
        for key in name:
            if not isinstance(found, Mapping):
                raise KeyError(key)
            found = found[key]
        return found

    def has(self, name: Name) -> bool:
        """Whether the files know a name."""
        try:
            self.find(name)
        except KeyError:
            return False
        return True

    @cached_property
    def own_arrivals(self) -> dict[Name, set[Name]]:
        """``arrivals`` of what was given at run time."""
        return self.arrivals(self.own())

    def arrivals(self, names: Iterable[Name]) -> dict[Name, set[Name]]:
        """Known parameters that hold what is given under each name, such as the demo's own."""
        markers = {name: f"<given {number}>" for number, name in enumerate(names)}
        if not markers:
            return {}
        places = [*_leaves(self._resolve(_nested(markers.items())))]
        return {
            name: {place for place, value in places if marker in str(value) and self.has(place)}
            for name, marker in markers.items()
        }


def _corrected(name: Name, files: ParameterFiles) -> Name | None:
    """The nearest known name, word by word, or None."""
    words: list[str] = []
    group: Any = files.declared
    for word in name:
        if not isinstance(group, Mapping):
            return None
        known = [*group, *(RUN_SETTINGS if not words else ())]
        close = [word] if word in known else get_close_matches(word, known, n=1)
        if not close:
            return None
        words += close
        group = group.get(close[0])
    return tuple(words)


def _changed(name: Name, files: ParameterFiles) -> Name | None:
    """The nearest name in a group of changes to others, such as the demo's, or None."""
    corrected = _corrected(name[1:], files)
    if corrected is None or not isinstance(files.declared.get(name[0]), Mapping):
        return None
    near = (name[0], *corrected)
    return near if files.arrivals([near])[near] else None


def _elsewhere(name: Name, files: ParameterFiles) -> list[Name]:
    """Known names that end as a name does."""
    known = [place for place, _ in _leaves(files.declared) if place[0] not in _NO_CHOICE]
    return [place for place in known if place[-1] == name[-1]]


def _advice(name: Name, files: ParameterFiles) -> str:
    corrected = _corrected(name, files) or _changed(name, files)
    meant = [corrected] if corrected else _elsewhere(name, files)[:_N_NAMED]
    if meant:
        return f"did you mean {' or '.join(map(dotted, meant))}?"
    depth = next(depth for depth in range(len(name)) if not files.has(name[: depth + 1]))
    group = files.find(name[:depth])
    known = sorted({*group, *(() if depth else RUN_SETTINGS)}) if isinstance(group, Mapping) else []
    where = f"{dotted(name[:depth])} has" if depth else "known are"
    return f"{where} {', '.join(known) or 'no parameters below it'}"


def _check_shape(name: Name, value: Any, files: ParameterFiles) -> None:
    """Refuse one value for a group of parameters, and a group for a setting."""
    if name[0] in RUN_WIDE:
        if len(name) > 1 or isinstance(value, Mapping):
            near = _corrected(name, files)
            known = near not in (None, name) and files.has(near)
            meant = f"; did you mean {dotted(near)}?" if known else ""
            raise GuardError(f"{name[0]} is one value: --params {name[0]}=VALUE{meant}")
    elif files.has(name) and isinstance(known := files.find(name), Mapping) and value != {}:
        inside = dotted(next(_leaves(known, name))[0])
        raise GuardError(
            f"{dotted(name)} is a group of parameters, received {value!r}: name one of them, "
            f"such as --params {inside}=VALUE"
        )


def check_names(files: ParameterFiles) -> None:
    """Refuse a runtime parameter that no configuration file knows.

    Raises:
        GuardError: naming the parameter and what may have been meant.
    """
    for name, value in _leaves(files.given):
        _check_shape(name, value, files)
    for name, arrived in files.own_arrivals.items():
        if not files.has(name) and not arrived:
            raise GuardError(f"there is no parameter {dotted(name)!r}; {_advice(name, files)}")


def _read_by(pipeline: Pipeline) -> tuple[set[Name], set[Name]]:
    """Parameters that a pipeline works by, and those that it only tells of."""
    works: set[Name] = set()
    tells: set[Name] = set()
    for node in pipeline.nodes:
        names = tells if TAKES_WHAT_IS_THERE in node.tags else works
        for taken in node.inputs:
            if taken.startswith("params:"):
                names.add(tuple(taken.removeprefix("params:").split(".")))
            elif taken == "parameters":
                names.add(())
    return works, tells


def _taken(names: Iterable[str], pipelines: Mapping[str, Pipeline]) -> set[Name]:
    """Parameters by which what pipelines make is changed."""
    read = {name: _read_by(pipeline) for name, pipeline in pipelines.items()}
    work = set().union(*(works for works, _ in read.values()))
    of_these = [read[name] for name in names if name in read]
    return set().union(*(works | (tells - work) for works, tells in of_these))


def _matters(arrived: set[Name], taken: set[Name]) -> bool:
    return any(place[: len(group)] == group for place in arrived for group in taken)


def _substitutes(name: Name, files: ParameterFiles, taken: set[Name]) -> list[Name]:
    """Names that would set in this run what a name sets elsewhere."""
    shorter = [name[start:] for start in range(1, len(name))]
    groups = [key for key, value in files.declared.items() if isinstance(value, Mapping)]
    longer = [(group, *name) for group in groups if group not in _NO_CHOICE]
    arrivals = files.arrivals([*shorter, *longer])
    return [other for other, arrived in arrivals.items() if _matters(arrived, taken)]


def _where_it_matters(arrived: set[Name], pipelines: Mapping[str, Pipeline]) -> str:
    names = [name for name in pipelines if _matters(arrived, _taken([name], pipelines))]
    if not names:
        return "No pipeline reads it"
    calls = [f"with --pipeline {name}" for name in names if name != "__default__"]
    plain = ["without --pipeline"] if "__default__" in names else []
    return f"It does {', or '.join([*calls, *plain])}"


def check_effects(
    files: ParameterFiles, chosen: list[str] | None, pipelines: Mapping[str, Pipeline]
) -> None:
    """Refuse a runtime parameter that none of the chosen pipelines reads.

    Settings of the run itself (folders, workers, recipe) pass always.

    Args:
        files: parameters, with those given at run time.
        chosen: names of the pipelines that are run, whole or in part; None is ``__default__``.
        pipelines: all pipelines by name.

    Raises:
        GuardError: naming the parameter that would have an effect, or the pipelines where it has.
    """
    arrivals = files.own_arrivals
    if not arrivals:
        return
    chosen = chosen or ["__default__"]
    taken = _taken(chosen, pipelines)
    for name, arrived in arrivals.items():
        if _matters(arrived, taken):
            continue
        others = _substitutes(name, files, taken)
        advice = (
            f"Type {' or '.join(map(dotted, others[:_N_NAMED]))} instead"
            if others
            else _where_it_matters(arrived, pipelines)
        )
        what = "without --pipeline" if chosen == ["__default__"] else f"of {', '.join(chosen)}"
        raise GuardError(f"the parameter {dotted(name)} changes nothing in a run {what}. {advice}")
