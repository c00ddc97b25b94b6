"""What a partition was made from: its parameters, its code and its source files, as one hash."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from inspect import isclass, ismethod
from operator import attrgetter
from pickle import PicklingError
from types import CodeType, FunctionType
from typing import Any, TypeVar

import joblib

from hbac.datasets.code import code_version

_Name = TypeVar("_Name", bound=Hashable)


def _is_importable(function: Callable[..., Any]) -> bool:
    """Whether a module offers it under its name, so that the module's code says all of it."""
    try:
        module = sys.modules[function.__module__]
        return attrgetter(function.__qualname__)(module) is function
    except (AttributeError, KeyError):
        return False


def _instructions(code: CodeType) -> list:
    """What a function does, without the place where it is written."""
    constants = [
        _instructions(value) if isinstance(value, CodeType) else _identity(value)
        for value in code.co_consts
    ]
    return [code.co_code, code.co_names, constants]


def _inner_function(function: FunctionType) -> list:
    """What tells a lambda, or a function within another, from its neighbours."""
    if function.__closure__:
        raise TypeError(
            f"{function.__module__}.{function.__qualname__} takes "
            f"{', '.join(function.__code__.co_freevars)} from the function around it, which a "
            "later run could not tell from other values; write it as a function of its module and "
            "give it its arguments by functools.partial"
        )
    defaults = [function.__defaults__, function.__kwdefaults__]
    return [_instructions(function.__code__), _identity(defaults)]


def _code_identity(code: Any) -> list:
    """Stand-in for a function, a class, or an object that can be called."""
    if isclass(code):
        modules = dict.fromkeys(base.__module__ for base in code.__mro__)
        return [code.__qualname__, *map(code_version, modules)]
    if ismethod(code):
        return [_code_identity(code.__func__), _identity(code.__self__)]
    named = _is_importable(code)
    if not named and not isinstance(code, FunctionType):
        return [_code_identity(type(code)), code]
    inner = [] if named and code.__module__ != "__main__" else _inner_function(code)
    return [code.__qualname__, code_version(code.__module__), *inner]


def _is_source(value: Any) -> bool:
    # Asked of the class: the attribute itself may read a whole file.
    return hasattr(type(value), "source_identity")


def _identity(value: Any) -> Any:
    """Stand-in for an argument that hashes the same in every process."""
    if _is_source(value):
        return value.source_identity
    if isinstance(value, partial):
        return [_identity(value.func), _identity(value.args), _identity(value.keywords)]
    if hasattr(value, "model_dump") and not isclass(value):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        items = {key: _identity(item) for key, item in value.items()}
        if all(isinstance(key, str) for key in items):
            return items
        return {"mapping": sorted(map(joblib.hash, items.items()))}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    if isinstance(value, set | frozenset):
        return {"set": sorted(joblib.hash(_identity(item)) for item in value)}
    return _code_identity(value) if callable(value) else value


def _digest(identity: list) -> str:
    """Hash names and numbers by their JSON, nine times as fast as by joblib, and all else by that.

    Raises:
        AttributeError, TypeError, PicklingError: if something can't be pickled.
    """
    try:
        text = json.dumps(identity, sort_keys=True)
    except (TypeError, ValueError):
        return joblib.hash(identity)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_fingerprint(code: Callable[..., Any] | type) -> str:
    """Hash the code of a function or a class, and all that it builds on.

    Comments, docstrings and layout do not count; installed libraries count by their version. See
    ``hbac.datasets.code.code_version``.

    Args:
        code: a function, or a class, whose base classes count, too.

    Raises:
        TypeError: if it is a function within another that takes values from that.
    """
    return joblib.hash(_code_identity(code))


def task_fingerprint(task: Callable[[], Any], *, written_by: str = "") -> str:
    """Hash what a task computes: its function's code, its parameters and its source files.

    Args:
        task: a function, or a ``functools.partial`` of one. A ``PartitionLoader`` among its
            arguments counts as its ``source_identity``; others by their value.
        written_by: what tells apart in which way the result is stored.

    Raises:
        TypeError: if the task cannot be called, takes values from a function around it, or has
            an argument that cannot be pickled.
        OSError: if a source file cannot be read that counts by its content.
    """
    if not callable(task):
        raise TypeError(f"expected a callable that makes it, received {type(task).__name__}")
    made_of = [_identity(task), written_by]
    try:
        return _digest(made_of)
    except (AttributeError, TypeError, PicklingError) as error:
        raise TypeError(f"an argument of {task} cannot be told from others: {error}") from error


def _sources(value: Any) -> Iterator[Any]:
    if _is_source(value):
        yield value
    elif isinstance(value, partial):
        yield from _sources([value.func, value.args, value.keywords])
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _sources(item)


def _look_at_sources(tasks: Iterable[Callable[[], Any]]) -> None:
    """Have every source that must be read for it identified once, several at a time."""
    found = (source for task in tasks for source in _sources(task))
    sources = {id(source): source for source in found if source.counts_by_content}

    def look(source: Any) -> None:
        with suppress(OSError):
            _ = source.source_identity

    with ThreadPoolExecutor(joblib.cpu_count()) as threads:
        list(threads.map(look, sources.values()))


def task_fingerprints(
    tasks: Mapping[_Name, Callable[[], Any]], *, written_by: str = ""
) -> Iterator[tuple[_Name, str | OSError]]:
    """Hash what many tasks compute; see ``task_fingerprint``.

    Yields:
        A task's name, with its hash, or with why a file could not be read that counts by its
        content.

    Raises:
        TypeError: see there; the message names the task.
    """
    _look_at_sources(tasks.values())
    for name, task in tasks.items():
        try:
            yield name, task_fingerprint(task, written_by=written_by)
        except OSError as error:
            yield name, error
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from error
