"""Benchmarks call what the project promises to keep."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def private_names(source: str) -> list[str]:
    """Names with a leading underscore that code takes from a module or an object but itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found += [alias.name for alias in node.names if alias.name.startswith("_")]
        elif isinstance(node, ast.Attribute) and not (
            isinstance(node.value, ast.Name) and node.value.id == "self"
        ):
            found += [node.attr]
    return [name for name in found if name.startswith("_") and not name.startswith("__")]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_calls_public_names_only(path):
    assert private_names(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from hbac.datasets.partitioned import _make_partition", ["_make_partition"]),
        ("batches._make(0)", ["_make"]),
        ("self._make(0); batches.make(0); batches.__len__()", []),
    ],
)
def test_a_private_name_is_found(source, found):
    assert private_names(source) == found
