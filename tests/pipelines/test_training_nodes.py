"""What makes a training another one, so that it doesn't go on from a checkpoint."""

import importlib
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner, ThreadRunner

from hbac import models
from hbac.datasets import code as read_code
from hbac.datasets import fingerprint
from hbac.datasets.checkpoint import CheckpointDataset
from hbac.datasets.keras_model import KerasModelDataset
from hbac.models import inputs
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.pipeline import create_pipeline
from hbac.pipelines.modeling.training_nodes import made_from, train_fold
from tests.conftest import recipe
from tests.pipelines.test_modeling import many_windows

SEED = recipe("seed")["modeling"]
EPOCHS = 2
PARAMS = ModelingParams(
    **SEED
    | {"n_folds": 2, "network": SEED["network"] | {"architecture": "compact", "weights": None}}
    | {"image": SEED["image"] | {"panel_height": 8, "panel_width": 16}}
    | {"training": SEED["training"] | {"learning_rates": [1e-3] * EPOCHS, "batch_size": 16}}
)
FOLDS = split_folds(many_windows(), PARAMS)
SPLIT = FOLDS[0]
IMAGES = np.random.default_rng(0).normal(size=(len(SPLIT), 32, 32)).astype(np.float16)
NETWORK = """
from keras import layers

def build(picture, weights):
    return layers.Conv2D({filters}, 3, strides=8, name="conv")(picture)
"""


def identity(params=PARAMS, architecture="compact"):
    return made_from(architecture, IMAGES, SPLIT, params)


@pytest.fixture
def write_network(tmp_path, monkeypatch):
    """Write a user's file, under the same name each time, and import it as a new process would."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(filters):
        (tmp_path / "my_network.py").write_text(NETWORK.format(filters=filters))
        # Python tells what it compiled by size and whole seconds, which may stay the same here.
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        sys.modules.pop("my_network", None)
        importlib.invalidate_caches()
        read_code._find.cache_clear()
        read_code.code_version.cache_clear()
        return importlib.import_module("my_network").build

    yield write
    sys.modules.pop("my_network", None)
    read_code._find.cache_clear()
    read_code.code_version.cache_clear()


@pytest.mark.parametrize("by_name", [False, True])
def test_weights_of_an_architecture_that_was_edited_are_not_loaded(
    write_network, tmp_path, monkeypatch, by_name
):
    checkpoint = CheckpointDataset(filepath=str(tmp_path / "checkpoint.npz")).load()

    def train(filters):
        build = write_network(filters)
        registered = "my_network:build" if by_name else build
        monkeypatch.setitem(inputs.ARCHITECTURES, "mine", registered)
        monkeypatch.setitem(inputs.INPUTS, "mine", "picture")
        return train_fold(IMAGES, SPLIT, checkpoint, PARAMS, architecture="mine")

    network, history, _ = train(filters=4)
    again, same, _ = train(filters=4)
    assert same["seconds"].equals(history["seconds"])
    np.testing.assert_array_equal(again.get_weights()[0], network.get_weights()[0])
    edited, other, _ = train(filters=5)
    assert edited.get_layer("conv").filters == 5
    assert len(other) == EPOCHS
    assert not other["seconds"].equals(history["seconds"])


@pytest.mark.parametrize(
    "code", [models.fit, train_fold, models.borrowed_model], ids=lambda code: code.__name__
)
def test_code_that_trains_makes_another_training(monkeypatch, code):
    before = identity()
    hashed = fingerprint.task_fingerprint
    monkeypatch.setattr(
        "hbac.pipelines.modeling.training_nodes.task_fingerprint",
        lambda task: "edited" if task is code else hashed(task),
    )
    assert identity() != before


@pytest.mark.parametrize("name", ["version", "backend", "backend_version", "floatx", "epsilon"])
def test_another_keras_makes_another_training(monkeypatch, name):
    before = identity()
    in_force = models.keras_in_force() | {name: "other"}
    monkeypatch.setattr(models, "keras_in_force", lambda: in_force)
    assert identity() != before


def test_a_file_of_weights_counts_by_what_is_in_it(tmp_path):
    file = tmp_path / "weights.h5"
    network = PARAMS.network.model_copy(update={"weights": str(file)})
    params = PARAMS.model_copy(update={"network": network})
    found = []
    for content in (b"first", b"other", b"first"):
        file.write_bytes(content)
        found.append(identity(params))
    assert found[0] == found[2] != found[1]


def test_the_same_training_is_known_again():
    assert identity() == identity()
    assert identity() != identity(architecture="resnet_1d")
    seed = PARAMS.training.model_copy(update={"seed": 1})
    assert identity() != identity(PARAMS.model_copy(update={"training": seed}))


def test_folds_side_by_side_on_threads_are_trained_as_one_after_the_other(tmp_path):
    names = [f"fold_{number}.compact" for number in range(2)]
    training = create_pipeline(2, ["compact"]).filter(tags=["training"])
    data = {"model_input": IMAGES, "params:modeling": PARAMS}
    data |= {f"fold_{number}_split": split for number, split in enumerate(FOLDS)}

    def run(runner, folder):
        datasets = {name: MemoryDataset(value, copy_mode="assign") for name, value in data.items()}
        for name in names:
            path = str(tmp_path / folder / name)
            datasets[f"{name}.model"] = KerasModelDataset(filepath=f"{path}.keras")
            datasets[f"{name}.checkpoint"] = CheckpointDataset(filepath=f"{path}.npz")
        made = runner.run(training, DataCatalog(datasets))
        tables = {name: made[name].load() for name in made if not name.endswith("model")}
        return {name: datasets[f"{name}.model"].load().get_weights() for name in names}, tables

    expected, told = run(SequentialRunner(), "sequential")
    weights, tables = run(ThreadRunner(max_workers=2), "threads")
    for name in names:
        for ours, theirs in zip(weights[name], expected[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert len(told) == 4
    for name, table in told.items():
        frames = (each.drop(columns="seconds", errors="ignore") for each in (tables[name], table))
        pd.testing.assert_frame_equal(*frames, rtol=1e-3)
