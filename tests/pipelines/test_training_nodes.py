"""What makes a training another one, so that it doesn't go on from a checkpoint."""

import importlib
import shutil
import sys
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest

from hbac import models
from hbac.datasets import fingerprint
from hbac.datasets.checkpoint import CheckpointDataset
from hbac.models import inputs
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.training_nodes import made_from, train_fold
from tests.conftest import recipe
from tests.pipelines.test_modeling import many_windows

SEED = recipe("seed")["modeling"]
EPOCHS = 2
PARAMS = ModelingParams(
    **SEED
    | {"n_folds": 2, "network": SEED["network"] | {"architecture": "compact", "weights": None}}
    | {"training": SEED["training"] | {"learning_rates": [1e-3] * EPOCHS, "batch_size": 16}}
)
SPLIT = split_folds(many_windows(), PARAMS)[0]
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
        fingerprint.code_version.cache_clear()
        return importlib.import_module("my_network").build

    yield write
    sys.modules.pop("my_network", None)
    fingerprint.code_version.cache_clear()


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


def test_folds_on_two_threads_are_those_of_one(tmp_path):
    """As Kedro's ThreadRunner runs them, where all outputs are saved after all have ended."""
    folds = split_folds(many_windows(), PARAMS)
    images = np.random.default_rng(0).normal(size=(len(SPLIT), 32, 32)).astype(np.float16)

    def train(number, folder):
        checkpoint = CheckpointDataset(filepath=str(tmp_path / folder / f"{number}.npz")).load()
        return train_fold(images, folds[number], checkpoint, PARAMS, architecture="compact")

    alone = [train(number, "alone") for number in range(2)]
    threads = joblib.Parallel(n_jobs=2, backend="threading")
    beside = threads(joblib.delayed(partial(train, folder="beside"))(number) for number in range(2))
    for (network, history, predictions), (known, *expected) in zip(beside, alone, strict=True):
        for ours, theirs in zip(network.get_weights(), known.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
        for ours, theirs in zip((history, predictions), expected, strict=True):
            ours, theirs = (
                table.drop(columns="seconds", errors="ignore") for table in (ours, theirs)
            )
            pd.testing.assert_frame_equal(ours, theirs, rtol=1e-3)
