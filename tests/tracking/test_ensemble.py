import sys

import grimp
import keras
import mlflow
import numpy as np
import pytest
from kedro.io import MemoryDataset
from kedro.pipeline import Node, Pipeline

from hbac import models
from hbac.datasets.keras_model import KerasModelDataset
from hbac.eeg.votes import CLASSES
from hbac.models.waveform import mirror_waveforms
from hbac.tracking.ensemble import PACKAGES
from tests.tracking.test_hook import INPUTS, METRICS, NODE, runs, start, train_one

SHAPES = {"picture": (8, 12), "waveform": (16, 20)}
KINDS = {"compact": "picture", "resnet_1d": "waveform"}
NAMES = {f"fold_{fold}.{name}": kind for name, kind in KINDS.items() for fold in range(2)}
DATA_TAGS = ["data_fingerprint.picture", "data_fingerprint.waveform"]
IMAGE = {"sources": ["eeg"], "fit": "crop", "normalisation": "window", "eeg_order": "seed"}
RECORD = {
    "networks": [
        {"name": name, "fold": int(name[5]), "architecture": name[7:], "input": kind}
        for name, kind in NAMES.items()
    ],
    "classes": list(CLASSES),
    "blend": {"weights": [0.7, 0.4], "bias": [0.1, 0, 0, 0, 0, -0.2]},
    "mirror": True,
    "image": IMAGE,
}


def network(shape):
    picture = keras.Input(shape)
    shares = keras.layers.Dense(6, activation="softmax")(keras.layers.Flatten()(picture))
    return keras.Model(picture, shares)


@pytest.fixture
def trained(hook, tmp_path):
    """A run that is about to save its ensemble; its networks, and what they see."""
    rng = np.random.default_rng(0)
    data = {kind: rng.normal(size=(5, *shape)).astype("float16") for kind, shape in SHAPES.items()}
    networks = {name: network(SHAPES[kind]) for name, kind in NAMES.items()}
    datasets = {"picture_input": MemoryDataset(data["picture"])}
    datasets["waveform_input"] = MemoryDataset(data["waveform"])
    datasets["split"] = MemoryDataset(INPUTS["fold_0_split"])
    for name, model in networks.items():
        datasets[f"{name}.model"] = KerasModelDataset(filepath=f"{tmp_path}/models/{name}.keras")
        datasets[f"{name}.model"].save(model)
    nodes = [
        Node(
            lambda data, split: None,
            [f"{kind}_input", "split"],
            [f"{name}.model"],
            name="train_fold",
            namespace=name,
            tags="training",
        )
        for name, kind in NAMES.items()
    ]
    start(hook, Pipeline([NODE]), **datasets)
    train_one(hook)
    hook._training = nodes
    return hook, networks, data


def test_the_registered_model_predicts_what_the_pipeline_does(trained, root, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    hook, networks, data = trained
    hook.after_dataset_saved("ensemble", RECORD)
    hook.after_dataset_saved("metrics", METRICS)
    hook.after_pipeline_run()
    expected = models.predict_with_networks(
        {name: lambda model=model: model for name, model in networks.items()},
        data,
        RECORD,
        {
            "picture": models.ImageLayout(("eeg",), size=(8, 12), eeg_order="seed").mirror,
            "waveform": mirror_waveforms,
        },
        batch_size=32,
    )
    registered = mlflow.pyfunc.load_model("models:/hbac/1")
    shares = registered.predict(data)
    assert list(shares) == list(CLASSES)
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    np.testing.assert_allclose(
        registered.predict(registered.input_example), expected[:1], atol=1e-6
    )
    inputs = {tensor.name: tensor.shape for tensor in registered.metadata.get_input_schema()}
    assert inputs == {kind: (-1, *shape) for kind, shape in SHAPES.items()}
    parent = runs(root)["seed modeling 1"]
    version = hook._client.get_model_version("hbac", "1")
    assert version.run_id == parent.info.run_id
    assert version.tags == {
        "architecture": "compact+resnet_1d",
        **{name: parent.data.tags[name] for name in DATA_TAGS},
        "kl": "1.2500",
        "recipe": "seed",
    }


def test_a_failing_registration_does_not_fail_the_run(trained, root, caplog, tmp_path):
    hook, *_ = trained
    (tmp_path / "models/fold_1.compact.keras").unlink()
    hook.after_dataset_saved("ensemble", RECORD)
    hook.after_dataset_saved("metrics", METRICS)
    hook.after_pipeline_run()
    assert "could not take ensemble" in caplog.text
    assert runs(root)["seed modeling 1"].info.status == "FINISHED"


def test_the_requirements_are_what_the_stored_code_imports():
    graph = grimp.build_graph("hbac", include_external_packages=True)
    used = ["hbac.eeg", "hbac.models", "hbac.models.ensemble", "hbac.models.image"]
    used.append("hbac.tracking.predictor")
    imported = set().union(*(graph.find_upstream_modules(module) for module in used))
    external = {name for name in imported if not name.startswith("hbac")} - sys.stdlib_module_names
    distributions = {"PIL": "pillow", "pywt": "PyWavelets", "lazy_loader": "lazy-loader"}
    assert {distributions.get(name, name) for name in external} - {"mlflow"} <= set(PACKAGES)
