"""Every parameter is explained where it stands, and in its type."""

import importlib
import pkgutil

import pytest

from hbac import pipelines
from hbac.pipelines.parameters import Parameters
from tests.conftest import PROJECT

CONF = PROJECT / "conf/base"
FILES = [CONF / "globals.yml", *sorted(CONF.glob("parameters_*.yml"))]
EXPLAINED_ELSEWHERE = {"recipes.strong", "recipes.simulation", "demo", "demo_parameters"}
"""Groups that only change what another group explains."""


def indentation(line):
    return len(line) - len(line.lstrip())


def unexplained(text):
    """Keys with a value that no comment stands above, or above the keys just before them."""
    groups, explained = [], False
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            explained = stripped.startswith("#")
            continue
        groups = [group for group in groups if indentation(group) < indentation(line)]
        key, _, value = stripped.partition(":")
        parents = [group.strip().rstrip(":") for group in groups]
        paths = {".".join(parents[: depth + 1]) for depth in range(len(parents))}
        if not value:
            groups, explained = [*groups, line], False
        elif not explained and "${" not in value and not paths & EXPLAINED_ELSEWHERE:
            yield key


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_comment_says_what_it_is(file):
    assert list(unexplained(file.read_text())) == []


def test_a_parameter_without_a_comment_is_found():
    text = "a:\n  # What b is.\n  b: 1\n  c: 2\n\n  d: 3\ndemo:\n  e: 4\n"
    assert list(unexplained(text)) == ["d"]


def parameter_classes(base=Parameters):
    for module in pkgutil.walk_packages(pipelines.__path__, "hbac.pipelines."):
        if module.name.endswith(".params"):
            importlib.import_module(module.name)
    for kind in base.__subclasses__():
        yield kind
        yield from parameter_classes(kind)


def test_its_type_says_what_it_is():
    leaves = [
        (kind.__name__, name, field)
        for kind in parameter_classes()
        for name, field in kind.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, Parameters))
    ]
    assert len(leaves) > 80
    assert [(kind, name) for kind, name, field in leaves if not field.description] == []
