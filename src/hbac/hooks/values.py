"""Values of parameters, checked against their types before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import reduce
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.validation.type_extractor import TypeExtractor
from pydantic import ValidationError

from hbac.hooks.parameters import Name, ParameterFiles, dotted
from hbac.hooks.refusal import GuardError
from hbac.pipelines.parameters import Parameters
from hbac.tracking.parameters import CHANGED, flatten, without_effect


def _received(fault: Mapping[str, Any]) -> str:
    """The value, unless it is a whole group, or what is wrong names it already."""
    text = f", received {fault['input']!r}"
    return text if fault["loc"] and not fault["msg"].endswith(text) else ""


def _faults(name: Name, kind: type, values: Any) -> list[tuple[Name, str]]:
    """Place and description of each value that a type of parameters does not take."""
    try:
        if issubclass(kind, Parameters):
            kind.model_validate(reduce(lambda group, word: group[word], name, values))
    except KeyError:
        return []
    except ValidationError as error:
        return [
            (
                (*name, *map(str, fault["loc"])),
                fault["msg"] + _received(fault),
            )
            for fault in error.errors()
        ]
    return []


def check_types(
    values: Mapping[str, Any],
    pipelines: Mapping[str, Pipeline],
    arrivals: Mapping[Name, set[Name]],
) -> None:
    """Refuse values that the pipelines' types don't take.

    Args:
        values: all parameters as the run will take them.
        pipelines: those that take them, by name.
        arrivals: see ``ParameterFiles.arrivals``, of what was given at run time.

    Raises:
        GuardError: naming each parameter, what it must be and what was received.
    """
    typed = {place: name for name, places in arrivals.items() for place in places}
    kinds = TypeExtractor(dict(pipelines)).extract_types_from_pipelines()
    faults = [
        fault for key, kind in kinds.items() for fault in _faults((*key.split("."),), kind, values)
    ]
    # Several types may take the same group.
    lines = dict.fromkeys(f"  {dotted(typed.get(place, place))}: {what}" for place, what in faults)
    if lines:
        raise GuardError(
            "parameters that are not right:\n" + "\n".join(lines) + "\nMend them in conf, or by "
            "kedro run --params NAME=VALUE"
        )


def _decided_by(place: Name, values: Mapping[str, Any]) -> str | None:
    """The parameter beside whose value another means nothing, with that value, or None."""
    changed = place[0] in CHANGED
    flat = flatten(dict(values[place[0]] if changed else values))
    decider = without_effect(flat).get(dotted(place[changed:]))
    return decider and f"{decider} is {flat[decider]!r}"


def check_uses(values: Mapping[str, Any], arrivals: Mapping[Name, set[Name]]) -> None:
    """Refuse what was given at run time and means nothing beside other values.

    Such as ``epochs`` beside a schedule that lists its learning rates.

    Args:
        values: see ``check_types``.
        arrivals: see there.

    Raises:
        GuardError: naming the parameter that makes it so.
    """
    for name, places in arrivals.items():
        deciders = [_decided_by(place, values) for place in sorted(places)]
        if deciders and all(deciders):
            raise GuardError(
                f"the parameter {dotted(name)} changes nothing while {deciders[0]}; change that too"
            )


def check_pipelines(known: Any) -> None:
    """Refuse a pipeline that there is not.

    Args:
        known: Kedro's pipelines, which know as well which of them a session asked for.

    Raises:
        GuardError: naming those that there are.
    """
    # Kedro tells no hook before it fails on the name itself.
    for name in getattr(known, "_requested_pipelines", None) or ():
        if name not in known:
            # The next run in this process, such as a notebook's, would else be refused for it.
            known.set_requested(None)
            close = get_close_matches(name, known, n=1)
            advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise GuardError(f"there is no pipeline {name!r}; {advice}")


def _asked_for(known: Any) -> dict[str, Pipeline]:
    """The pipelines that a session asked for, or all; only these must be wired."""
    return {name: known[name] for name in getattr(known, "_requested_pipelines", None) or known}


class ValuesHook:
    """Checks values as soon as the pipelines that take them can be wired."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Check the names of the pipelines that are run, and the parameters that they take.

        Where none is named, as in a notebook, the parameters of all are checked.
        """
        check_pipelines(pipelines)
        files, values = ParameterFiles(context.config_loader), context.config_loader["parameters"]
        check_types(values, _asked_for(pipelines), files.own_arrivals)
        check_uses(values, files.own_arrivals)
