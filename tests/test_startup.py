"""A command loads what it needs, and no more."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT

SHOW = "print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded_by(*lines):
    """Packages that a process of its own has loaded at the end."""
    start = f"""
import sys
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
bootstrap_project({str(PROJECT)!r})
"""
    code = "\n".join([start, *lines, SHOW])
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    return set(ended.stdout.splitlines()[-1].split())


def test_to_name_the_pipelines_loads_no_library_of_theirs():
    loaded = loaded_by("assert 'eda' in sorted(pipelines)")
    assert "kedro" in loaded
    heavy = {"keras", "matplotlib", "mlflow", "mne", "numba", "numpy", "pandas", "scipy", "sklearn"}
    assert not heavy & loaded


@pytest.mark.parametrize(
    ("pipeline", "unneeded"),
    [
        ("conversion", {"keras", "matplotlib", "mlflow", "mne", "numba", "scipy", "sklearn"}),
        ("spectrogram", {"keras", "matplotlib", "mlflow", "mne", "numba", "sklearn"}),
        ("eda", {"keras", "mlflow", "mne", "sklearn"}),
    ],
)
def test_a_pipeline_is_wired_without_what_others_need(pipeline, unneeded):
    loaded = loaded_by(f"assert pipelines[{pipeline!r}].nodes")
    assert "pandas" in loaded
    assert not unneeded & loaded
