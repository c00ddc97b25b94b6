"""What a user's home or environment holds for other projects changes no result."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest

from hbac.datasets.figure import FigureDataset
from hbac.plots.scores import confusions

OTHERS = {
    "floatx": "float16",
    "epsilon": 1e-3,
    "backend": "jax",
    "image_data_format": "channels_first",
}
NETWORK = """
import sys
{first}
import numpy as np
from hbac import models
from hbac.models.training import _mean_divergence

model = models.compiled_model(architecture="compact", image_size=(32, 64))
models.reset(model, 0)
images = np.random.default_rng(0).normal(size=(8, 32, 64)).astype(np.float16)
shares = models.predict(model, images, batch_size=8)
stages = [models.Stage(np.arange(6), [1e-2, 1e-2])]
fitted = dict(stages=stages, validation_rows=[6, 7], batch_size=2, seed=0)
history = models.fit(model, images, np.eye(6)[np.arange(8) % 6], **fitted)
from hbac import explain
maps = explain.METHODS["fusion"]
maps = explain.map_by_methods([maps], model, images[:2].astype(np.float32))[0]
import json
numbers = dict(loss=history["loss"].tolist(), maps=maps.tolist(), shares=shares.tolist())
print(json.dumps(numbers | models.keras_in_force()))
"""


def run(home, settings=None, first="", **environment):
    """Train and explain a small network as a user with a ``keras.json``, if any."""
    (home / ".keras").mkdir(parents=True)
    if settings is not None:
        (home / ".keras" / "keras.json").write_text(json.dumps(settings))
    hidden = {"KERAS_BACKEND", "KERAS_HOME", "PYTHONHOME"}
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", NETWORK.format(first=first)],
        env=clean | {"HOME": str(home), "CUDA_VISIBLE_DEVICES": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_keras_json_of_another_project_changes_nothing(tmp_path):
    expected = run(tmp_path / "none")
    assert expected["backend"] == "tensorflow"
    assert len(expected["loss"]) == 2
    cut_short = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    for name, found in {
        "read by Keras": run(tmp_path / "others", OTHERS, **cut_short),
        "in KERAS_HOME": run(tmp_path / "a", OTHERS, KERAS_HOME=str(tmp_path / "a" / ".keras")),
        "imported first": run(tmp_path / "b", OTHERS | {"backend": "tensorflow"}, "import keras"),
    }.items():
        assert found == expected, name


@pytest.mark.slow
def test_what_keras_refuses_to_read_is_named(tmp_path):
    error = run(tmp_path / "home", {"floatx": "bfloat16"})
    path = tmp_path / "home/.keras/keras.json"
    assert f"{path} can't be used: Invalid `floatx` configuration" in error
    assert "Mend the file or delete it" in error


@pytest.mark.slow
def test_a_backend_that_was_chosen_by_the_file_before_hbac_could_is_refused(tmp_path):
    pytest.importorskip("jax")
    error = run(tmp_path / "home", OTHERS, "import keras")
    assert f"runs on jax, as {tmp_path / 'home/.keras/keras.json'} says" in error
    meant = run(tmp_path / "meant", OTHERS, "import keras", KERAS_BACKEND="jax")
    assert (meant["backend"], meant["floatx"]) == ("jax", "float32")


def drawn(path, figure):
    dataset = FigureDataset(filepath=str(path))
    dataset.save(figure)
    return dataset.load()


def draw():
    return confusions({"votes": np.eye(6)}, list("abcdef"), sample="n = 6")


def test_a_matplotlibrc_changes_no_figure(tmp_path):
    expected = drawn(tmp_path / "expected.png", draw())
    others = {
        "font.size": 20,
        "axes.grid": True,
        "axes.facecolor": "black",
        "xtick.major.size": 20,
        "savefig.dpi": 30,
        "savefig.bbox": "tight",
        "figure.facecolor": "red",
        "lines.linewidth": 8,
        "image.interpolation": "gaussian",
        "text.usetex": True,
    }
    with mpl.rc_context(others):
        assert drawn(tmp_path / "found.png", draw()) == expected
        assert mpl.rcParams["font.size"] == 20


def test_figures_of_two_threads_are_those_of_one(tmp_path):
    expected, before = drawn(tmp_path / "expected.png", draw()), dict(mpl.rcParams)
    with ThreadPoolExecutor(2) as threads:
        made = threads.map(lambda number: drawn(tmp_path / f"{number}.png", draw()), range(6))
        assert set(made) == {expected}
    assert dict(mpl.rcParams) == before
