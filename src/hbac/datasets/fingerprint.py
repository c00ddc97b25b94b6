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

_PLAIN = frozenset({str, int, float, bool, type(None)})


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


def _identity_of_items(value: Mapping) -> dict[str, Any]:
    if all(type(key) is str for key in value):
        return {key: _identity(item) for key, item in value.items()}
    items = (joblib.hash([_identity(key), _identity(item)]) for key, item in value.items())
    return {"items": sorted(items)}


def _identity(value: Any) -> Any:
    """Stand-in for an argument that hashes the same in every process."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    if _is_source(value):
        return value.source_identity
    if isinstance(value, partial):
        return [_identity(value.func), _identity(value.args), _identity(value.keywords)]
    if hasattr(value, "model_dump") and not isclass(value):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return _identity_of_items(value)
    if isinstance(value, set | frozenset):
        return {"set": sorted(joblib.hash(_identity(item)) for item in value)}
    return _code_identity(value) if callable(value) else value


_JSON = json.JSONEncoder(sort_keys=True, default=lambda other: {"hash": joblib.hash(other)})
"""Writes plain values as they are, and only others by joblib's hash, which takes longer."""


def _hash(written: str) -> str:
    return hashlib.md5(written.encode(), usedforsecurity=False).hexdigest()


def _write(part: Any) -> str:
    identity = _identity(part)
    try:
        return _JSON.encode(identity)
    except (AttributeError, TypeError, PicklingError) as error:
        raise TypeError(f"{part!r} cannot be told from others: {error}") from error


class Writer:
    """Writes what tasks are made of, and what several of them share once."""

    def __init__(self) -> None:
        # With what was written, since another object could else be at its place later.
        self._written: dict[int, tuple[Any, str]] = {}

    def _write(self, part: Any) -> str:
        known = self._written.get(id(part))
        if known is None:
            known = self._written[id(part)] = part, _write(part)
        return known[1]

    def _write_task(self, task: Callable[[], Any]) -> str:
        if not isinstance(task, partial):
            return self._write(task)
        arguments = ", ".join(map(self._write, task.args))
        keywords = self._write(task.keywords) if task.keywords else "{}"
        return f"[{self._write(task.func)}, [{arguments}], {keywords}]"

    def fingerprint(self, task: Callable[[], Any], written_by: str) -> str:
        """Hash what a task computes; see ``task_fingerprint``."""
        if not callable(task):
            raise TypeError(f"expected a callable that makes it, received {type(task).__name__}")
        return _hash(f"[{self._write_task(task)}, {_JSON.encode(written_by)}]")


def code_fingerprint(code: Callable[..., Any] | type) -> str:
    """Hash the code of a function or a class, and all that it builds on.

    Comments, docstrings and layout do not count; installed libraries count by their version. See
    ``hbac.datasets.code.code_version``.

    Args:
        code: a function, or a class, whose base classes count, too.

    Raises:
        TypeError: if it is a function within another that takes values from that.
    """
    return _hash(_JSON.encode(_code_identity(code)))


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
    return Writer().fingerprint(task, written_by)


def _sources(tasks: Iterable[Callable[[], Any]]) -> Iterator[Any]:
    """What tasks read, each once."""
    queue, seen = [*tasks], set()
    while queue:
        value = queue.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, partial):
            queue += (value.func, *value.args, *value.keywords.values())
        elif isinstance(value, list | tuple):
            queue += [item for item in value if type(item) not in _PLAIN]
        elif isinstance(value, Mapping):
            queue += value.values()
        elif _is_source(value):
            yield value


def _look_at_sources(tasks: Iterable[Callable[[], Any]]) -> None:
    """Have every source that must be read for it identified once, several at a time.

    The first tells whether any must: how files count is a setting of the whole run.
    """
    sources = _sources(tasks)
    first = next(sources, None)
    if first is None or not first.counts_by_content:
        return

    def look(source: Any) -> None:
        with suppress(OSError):
            _ = source.source_identity

    with ThreadPoolExecutor(joblib.cpu_count()) as threads:
        list(threads.map(look, [first, *sources]))


def task_fingerprints(
    tasks: Mapping[_Name, Callable[[], Any]], *, written_by: str = "", writer: Writer | None = None
) -> Iterator[tuple[_Name, str | OSError]]:
    """Hash what many tasks compute; see ``task_fingerprint``.

    Args:
        tasks: by name.
        written_by: see there.
        writer: one that has written other tasks, of the same sources.

    Yields:
        A task's name, with its hash, or with why a file could not be read that counts by its
        content.

    Raises:
        TypeError: see there; the message names the task.
    """
    _look_at_sources(tasks.values())
    writer = writer or Writer()
    for name, task in tasks.items():
        try:
            yield name, writer.fingerprint(task, written_by)
        except OSError as error:
            yield name, error
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from error
