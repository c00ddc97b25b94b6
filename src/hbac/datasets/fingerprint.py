"""What a partition was made from: its parameters, its code and its source files, as one hash."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from types import ModuleType
from typing import Any

import joblib

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _imported_modules(module: ModuleType, package: str) -> Iterator[str]:
    """Names of the package's modules that a module imports from, seen through its ``__init__``s."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(package))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            source = importlib.import_module(node.module)
            for alias in node.names:
                value = getattr(source, alias.name)
                name = value.__name__ if isinstance(value, ModuleType) else node.module
                yield getattr(value, "__module__", None) or name


def _code(module_name: str) -> dict[str, str]:
    """Code of a module and of all that it builds on, by the modules' names."""
    package = module_name.partition(".")[0]
    seen, queue = {}, [module_name]
    while queue:
        name = queue.pop()
        if name in seen or not name.startswith(package):
            continue
        module = sys.modules.get(name) or importlib.import_module(name)
        seen[name] = _without_docstrings(inspect.getsource(module))
        queue.extend(_imported_modules(module, package))
    return seen


@lru_cache
def code_version(module_name: str) -> str:
    """Hash the code of a module and of all modules of its package that it builds on.

    Comments, docstrings and layout do not count.
    """
    return joblib.hash(sorted(_code(module_name).items()))


def _identity(value: Any) -> Any:
    """Stand-in for an argument that hashes the same in every process."""
    if hasattr(value, "source_identity"):
        return value.source_identity
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    if callable(value):
        return task_fingerprint(value)
    return value


def task_fingerprint(task: Callable[[], Any]) -> str:
    """Hash what a task computes: its function's code, its parameters and its source files.

    Args:
        task: a function, or a ``functools.partial`` of one. An argument with an attribute
            ``source_identity`` (a partition's loader) counts as that; others by their value.
    """
    function, args, keywords = task, (), {}
    if isinstance(task, partial):
        function, args, keywords = task.func, task.args, task.keywords
    if hasattr(function, "source_identity"):
        return joblib.hash([function.source_identity, _identity(args), _identity(keywords)])
    code = (function.__qualname__, code_version(function.__module__))
    return joblib.hash([code, _identity(args), _identity(keywords)])
