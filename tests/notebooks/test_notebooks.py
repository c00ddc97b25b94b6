"""What can be told of notebooks without running them; .ci/notebooks.py runs them."""

import ast
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

PROJECT = Path(__file__).parents[2]
NAMES = (
    "01_exploration",
    "02_parquet_to_npy",
    "03_eeg_to_spectrogram",
    "04_models_and_gradcam",
)
BY_HAND = ("open", "Path", "read_csv", "read_parquet", "read_table", "load_model", "imread")


def _notebook(name):
    return nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)


def _tree(name):
    """The code without what only IPython understands."""
    cells = [cell.source for cell in _notebook(name).cells if cell.cell_type == "code"]
    return ast.parse(re.sub(r"^%.*$", "", "\n".join(cells), flags=re.M))


def _loaded(name):
    """Names given to ``catalog.load``; a placeholder stands for what is filled in."""
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "catalog.load":
            (given,) = node.args
            if isinstance(given, ast.JoinedStr):
                yield "".join(getattr(part, "value", "{}") for part in _texts(given))
            else:
                yield given.value


def _texts(given):
    return [part if isinstance(part, ast.Constant) else ast.Constant("{}") for part in given.values]


@pytest.fixture(scope="module")
def datasets():
    """Every dataset that a pipeline reads or writes."""
    bootstrap_project(PROJECT)
    return set().union(*(pipeline.datasets() for pipeline in pipelines.values()))


def test_there_are_four():
    assert sorted(file.stem for file in (PROJECT / "notebooks").glob("*.ipynb")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_stored_as_it_was_written(name):
    notebook = _notebook(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "kedro_hbac"
    assert notebook.metadata.kernelspec.display_name == "Kedro (hbac)"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert [cell.id for cell in notebook.cells if cell.metadata] == []
    text = (PROJECT / "notebooks" / f"{name}.ipynb").read_text()
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_it_names_no_place_of_this_machine(name):
    sources = "\n".join(cell.source for cell in _notebook(name).cells)
    assert re.findall(r"(?<![\w.`])(?:~|/[a-z]+|[A-Z]:)[/\\][\w.]+", sources) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_what_the_project_has_and_nothing_by_hand(name, datasets):
    loaded = set(_loaded(name))
    patterns = {text for text in loaded if "{}" in text}
    assert loaded - patterns <= datasets
    for pattern in patterns:
        assert any(re.fullmatch(pattern.replace("{}", ".+"), known) for known in datasets)
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.Call)
    }
    assert loaded
    assert called.isdisjoint(BY_HAND)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_imports_is_there(name):
    imports = [node for node in ast.walk(_tree(name)) if isinstance(node, ast.ImportFrom)]
    for node in imports:
        found = dir(importlib.import_module(node.module))
        for alias in node.names:
            inside = f"{node.module}.{alias.name}"
            assert alias.name in found or importlib.util.find_spec(inside), inside


def test_ruff_finds_nothing():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "notebooks"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
