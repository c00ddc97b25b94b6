"""The code that a module builds on, read without importing it, as one hash."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator, Sequence
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

# Python 3.11 counts the depth of syntax trees once for all threads, and fails where two parse.
_one_parses = threading.Lock()


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


class _Import(NamedTuple):
    """A module, what is taken from it, which is None for itself, and the name it goes by."""

    source: str
    name: str | None
    known_as: str


class _Module(NamedTuple):
    """What counts of a module; its syntax tree, which takes ten times the memory, is not kept.

    Attributes:
        code: its syntax without docstrings.
        imports: what it imports anywhere.
        attributes: names, each with an attribute that is looked up in it.
        offers: of a package, where it takes a name from, at once or, by a table, lazily; None of
            any other module.
    """

    code: str
    imports: list[_Import]
    attributes: list[tuple[str, str]]
    offers: dict[str, tuple[str, str]] | None


def _imports(nodes: Sequence[ast.AST], package: str) -> Iterator[_Import]:
    """What is imported; names that begin with dots are of a package."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (_Import(one.name, None, one.asname or one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            source = util.resolve_name(dots + (node.module or ""), package)
            yield from (_Import(source, one.name, one.asname or one.name) for one in node.names)


def _tables(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """Names in lists that are the values of a dictionary, each with its list's key."""
    for node in nodes:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    for item in getattr(value, "elts", ()):
                        yield key.value, getattr(item, "value", None)


def _without_docstrings(nodes: Sequence[ast.AST]) -> str:
    for node in nodes:
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(nodes[0])


def _look_into(path: str, name: str, is_package: bool) -> _Module:
    nodes = [*ast.walk(ast.parse(Path(path).read_bytes()))]
    imports = [*_imports(nodes, name if is_package else name.rpartition(".")[0])]
    attributes = [
        (node.value.id, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    offers = None
    if is_package:
        offers = {named: (f"{name}.{module}", named) for module, named in _tables(nodes)}
        offers |= {one.known_as: (one.source, one.name) for one in reversed(imports) if one.name}
    return _Module(_without_docstrings(nodes), imports, attributes, offers)


def _script() -> _Module | None:
    """What Python was started with; None in a notebook, whose cells are no module."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    return _look_into(path, "__main__", False) if path else None


@cache
def _find(module: str) -> _Module | None:
    """Look into a module; None of one that is not there, or not written in Python."""
    try:
        spec = util.find_spec(module)
    except (ImportError, ValueError):
        return _script() if module == "__main__" else None
    if spec is None or not (spec.origin or "").endswith(".py"):
        return None
    return _look_into(spec.origin, module, spec.submodule_search_locations is not None)


class _Walk:
    """Finds the modules that one builds on, and the installed libraries that they use."""

    def __init__(self, start: str):
        self.code: dict[str, str] = {}
        self.libraries: dict[str, str] = {}
        self._follow(start)

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
        found = None if self._is_library(module) else _find(module)
        if found is None or found.offers is None:
            return module
        source = found.offers.get(name)
        if source is not None and source != (module, name):
            return self._home(*source)
        submodule = f"{module}.{name}"
        return submodule if _find(submodule) else module

    def _builds_on(self, module: _Module) -> Iterator[str]:
        """Modules that a module imports, and of a package what is used of it."""
        names = {}
        for source, name, known_as in module.imports:
            names[known_as] = source if name is None else self._home(source, name)
            yield names[known_as]
        for name, attribute in module.attributes:
            if name in names:
                yield self._home(names[name], attribute)

    def _follow(self, start: str) -> None:
        queue = [start]
        while queue:
            name = queue.pop()
            if name in self.code or self._is_library(name):
                continue
            module = _find(name)
            if module is not None:
                queue.extend(self._builds_on(module))
                self.code[name] = module.code


@lru_cache
def code_version(module: str) -> str:
    """Hash the code of a module and of all that it builds on.

    Modules of this project, and others that nobody installed, count by their code, without
    comments, docstrings and layout; installed libraries by their version.

    Args:
        module: its full name.
    """
    with _one_parses:
        walk = _Walk(module)
    return joblib.hash([sorted(walk.code.items()), sorted(walk.libraries.items())])
