"""The code that a module builds on, read without importing it, as one hash."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

import joblib

_PROJECT = __name__.partition(".")[0]
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

_DISTRIBUTIONS = {"PIL": "pillow", "pywt": "PyWavelets", "sklearn": "scikit-learn"}
"""Known beforehand, since to look them up takes most of a second."""

_CARRIERS = {
    *("click", "distributed", "filelock", "fsspec", "joblib", "kedro", "kedro_datasets"),
    *("lazy_loader", "mlflow", "omegaconf", "pandera", "psutil", "pydantic", "ray", "rich"),
    *("threadpoolctl", "upath", "yaml"),
}
"""Libraries that carry or check values and decide none."""

_INSTALLED = {"site-packages", "dist-packages"}


@cache
def _is_installed(library: str) -> bool:
    """Whether a package lies where installers put it, and so changes with its version alone."""
    try:
        spec = util.find_spec(library)
    except ValueError:
        return False
    places = spec and (spec.submodule_search_locations or [spec.origin or ""])
    return not places or not _INSTALLED.isdisjoint(Path(places[0]).parts)


@cache
def _version(library: str) -> str:
    """Version of an installed library, by the name under which it is imported."""
    try:
        return metadata.version(_DISTRIBUTIONS.get(library, library))
    except metadata.PackageNotFoundError:
        found = metadata.packages_distributions().get(library)
        return metadata.version(found[0]) if found else ""


class _Module(NamedTuple):
    name: str
    is_package: bool
    tree: ast.Module

    def source_of(self, node: ast.ImportFrom) -> str:
        """Absolute name of the module that a ``from`` statement of this one names."""
        if not node.level:
            return node.module
        package = self.name if self.is_package else self.name.rpartition(".")[0]
        return util.resolve_name("." * node.level + (node.module or ""), package)

    def binding(self, name: str) -> tuple[str, str] | None:
        """Where a package's ``__init__`` takes a name from, at once or, by a table, lazily."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return self.source_of(node), alias.name
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    names = [getattr(item, "value", None) for item in getattr(value, "elts", ())]
                    if name in names and isinstance(key, ast.Constant):
                        return f"{self.name}.{key.value}", name
        return None


def _read_script() -> _Module | None:
    """What Python was started with; None in a notebook, whose cells are no module."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    return _Module("__main__", False, ast.parse(Path(path).read_bytes())) if path else None


def _read(module: str) -> _Module | None:
    try:
        spec = util.find_spec(module)
    except (ImportError, ValueError):
        return _read_script() if module == "__main__" else None
    if spec is None or not (spec.origin or "").endswith(".py"):
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    return _Module(module, spec.submodule_search_locations is not None, tree)


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


class _Walk:
    """Finds the modules that one builds on, and the installed libraries that they use."""

    def __init__(self, start: str):
        self._modules: dict[str, _Module | None] = {}
        self.code: dict[str, str] = {}
        self.libraries: dict[str, str] = {}
        self._follow(start)

    def _find(self, module: str) -> _Module | None:
        if module not in self._modules:
            self._modules[module] = _read(module)
        return self._modules[module]

    def _is_library(self, module: str) -> bool:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            return True
        if top == _PROJECT or not _is_installed(top):
            return False
        if top not in _CARRIERS:
            self.libraries[top] = _version(top)
        return True

    def _home(self, module: str, name: str) -> str:
        """Module that defines what another one, mostly a package, offers under a name."""
        found = None if self._is_library(module) else self._find(module)
        if found is None or not found.is_package:
            return module
        bound = found.binding(name)
        if bound is not None and bound != (module, name):
            return self._home(*bound)
        submodule = f"{module}.{name}"
        return submodule if self._find(submodule) else module

    def _imported(self, module: _Module) -> Iterator[tuple[str, str]]:
        """Modules, and the names that stand for them, or for what is in them."""
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, alias.asname or alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = module.source_of(node)
                for alias in node.names:
                    yield self._home(source, alias.name), alias.asname or alias.name

    def _builds_on(self, module: _Module) -> Iterator[str]:
        """Modules that a module imports, and of a package what is used of it."""
        names = {}
        for source, name in self._imported(module):
            names[name] = source
            yield source
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute):
                source = names.get(getattr(node.value, "id", None))
                if source is not None:
                    yield self._home(source, node.attr)

    def _follow(self, start: str) -> None:
        queue = [start]
        while queue:
            name = queue.pop()
            if name in self.code or self._is_library(name):
                continue
            module = self._find(name)
            if module is not None:
                queue.extend(self._builds_on(module))
                self.code[name] = _without_docstrings(module.tree)


@lru_cache
def code_version(module: str) -> str:
    """Hash the code of a module and of all that it builds on.

    Modules of this project, and others that nobody installed, count by their code, without
    comments, docstrings and layout; installed libraries by their version.

    Args:
        module: its full name.
    """
    walk = _Walk(module)
    return joblib.hash([sorted(walk.code.items()), sorted(walk.libraries.items())])
