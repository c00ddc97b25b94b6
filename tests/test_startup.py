"""A command loads what it needs, and no more."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT

UNNEEDED = {
    "conversion": {"keras", "matplotlib", "mlflow", "mne", "numba", "scipy", "sklearn"},
    "spectrogram": {"keras", "matplotlib", "mlflow", "mne", "numba", "sklearn"},
    "eda": {"keras", "mlflow", "mne", "sklearn"},
}

WIRE = f"""
import os, sys
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

def show():
    print(*sorted({{name.partition('.')[0] for name in sys.modules}}), flush=True)

bootstrap_project({str(PROJECT)!r})
assert 'eda' in sorted(pipelines)
show()
for name in sys.argv[1:]:
    if not os.fork():
        assert pipelines[name].nodes
        show()
        os._exit(0)
    assert os.wait()[1] == 0
"""


@pytest.fixture(scope="module")
def loaded():
    """Packages that a process has loaded to name the pipelines, and its forks to wire one each."""
    command = [sys.executable, "-c", WIRE, *UNNEEDED]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=True)
    shown = (set(line.split()) for line in done.stdout.splitlines())
    return dict(zip(["", *UNNEEDED], shown, strict=True))


def test_to_name_the_pipelines_loads_no_library_of_theirs(loaded):
    assert "kedro" in loaded[""]
    heavy = {"keras", "matplotlib", "mlflow", "mne", "numba", "numpy", "pandas", "scipy", "sklearn"}
    assert not heavy & loaded[""]


@pytest.mark.parametrize("pipeline", UNNEEDED)
def test_a_pipeline_is_wired_without_what_others_need(loaded, pipeline):
    assert "pandas" in loaded[pipeline]
    assert not UNNEEDED[pipeline] & loaded[pipeline]
