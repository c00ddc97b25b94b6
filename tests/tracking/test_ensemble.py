import json
import os
import subprocess
import sys
from pathlib import Path

import grimp
import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import MemoryDataset
from kedro.pipeline import Node, Pipeline

import hbac
from hbac.datasets.keras_model import KerasModelDataset
from hbac.eeg.recording import CHANNELS
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS
from hbac.models.eeg_ensemble import EEGEnsemble
from hbac.models.reference import describe_pictures, describe_waveforms
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.shipped import pretrained_dir
from hbac.tracking.ensemble import PACKAGES, describe, save_ensemble
from hbac.tracking.request import RequestError
from tests.conftest import recipe
from tests.shipped import SHIPPED, shipped_networks
from tests.tracking.test_hook import INPUTS, METRICS, NODE, runs, start, train_one

KINDS = {"compact": "picture", "resnet_1d": "waveform"}
NAMES = {f"fold_{fold}.{name}": kind for name, kind in KINDS.items() for fold in range(2)}
DATA_TAGS = ["data_fingerprint.picture", "data_fingerprint.waveform"]
MODELING = recipe("seed")["modeling"]
PARAMS = ModelingParams(
    **MODELING | {"image": MODELING["image"] | {"panel_height": 16, "panel_width": 32}}
)
SPECTROGRAM = SpectrogramParams(**recipe("seed")["spectrogram"])
SHAPES = {"picture": PARAMS.image.layout.size, "waveform": PARAMS.waveform.layout.size}
RECORD = {
    "networks": [
        {"name": name, "fold": int(name[5]), "architecture": name[7:], "input": kind}
        for name, kind in NAMES.items()
    ],
    "classes": list(CLASSES),
    "prior": [0.1, 0.1, 0.1, 0.1, 0.1, 0.5],
    "blend": {"weights": [0.7, 0.4], "bias": [0.1, 0, 0, 0, 0, -0.2]},
    "mirror": True,
    "image": PARAMS.image.model_dump(mode="json"),
    "waveform": PARAMS.waveform.model_dump(mode="json"),
    "spectrogram": SPECTROGRAM.model_dump(mode="json", exclude={"policy", "dtype"}),
    "reference": {
        "picture": describe_pictures(PARAMS.image.layout, SPECTROGRAM.settings),
        "waveform": describe_waveforms(SPECTROGRAM.cleaning, PARAMS.waveform.layout),
    },
}
EEG = np.random.default_rng(1).normal(0, 30, (3, 20, 10_000)).astype(np.float32)


def network(shape):
    seen = keras.Input(shape)
    shares = keras.layers.Dense(6, activation="softmax")(keras.layers.Flatten()(seen))
    return keras.Model(seen, shares)


@pytest.fixture
def trained(hook, tmp_path):
    """A run that is about to save its ensemble, and its networks."""
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
    return hook, networks


def test_the_registered_model_predicts_what_the_ensemble_does(trained, root, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    hook, networks = trained
    hook.after_dataset_saved("ensemble", RECORD)
    hook.after_dataset_saved("metrics", METRICS)
    hook.after_pipeline_run()
    ensemble = EEGEnsemble(
        RECORD, {name: lambda model=model: model for name, model in networks.items()}
    )
    expected = ensemble.predict_windows(EEG)
    registered = mlflow.pyfunc.load_model("models:/hbac/1")
    shares = registered.predict({"eeg": EEG})
    assert list(shares) == list(PREDICTION_COLUMNS)
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    table = pd.DataFrame({"eeg": list(EEG)})
    np.testing.assert_allclose(registered.predict(table), expected, atol=1e-6)
    example = registered.input_example
    (window,) = np.array(example["eeg"], dtype=float)
    assert window.shape == (20, 10_000)
    assert np.isnan(window[CHANNELS.index("P3")]).any()
    shown = ensemble.predict_windows(window[None])
    np.testing.assert_allclose(registered.predict(example), shown, atol=1e-6)
    parent = runs(root)["seed modeling 1"]
    version = hook._client.get_model_version("hbac", "1")
    assert version.run_id == parent.info.run_id
    assert "- unit: microvolts" in version.description
    assert "'Fp1', 'F3'" in version.description
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
    # What eeg and formats load on first use shows in none that imports them.
    whole = {"hbac.eeg": True, "hbac.formats": True}
    used = whole | {"hbac.models": False, "hbac.tracking.predictor": False}
    imported = set().union(
        *(graph.find_upstream_modules(name, as_package=all_) for name, all_ in used.items())
    )
    external = {name for name in imported if not name.startswith("hbac")} - sys.stdlib_module_names
    distributions = {"PIL": "pillow", "pywt": "PyWavelets", "lazy_loader": "lazy-loader"}
    assert {distributions.get(name, name) for name in external} - {"mlflow"} == set(PACKAGES)


def test_the_metadata_say_what_is_sent_and_what_is_done_to_it():
    told = describe(RECORD)
    assert told["channels"] == list(CHANNELS)
    assert told["sampling_rate"] == 200
    assert told["unit"] == "microvolts"
    assert "shape (windows, 20, 10000)" in told["eeg"]
    assert "0.70 of compact, 0.40 of resnet_1d" in told["calibration"]
    assert describe(SHIPPED)["calibration"].startswith("none: the mean of the folds")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The networks that ship with the package as one model."""
    folder = tmp_path_factory.mktemp("model") / "hbac"
    save_ensemble(pretrained_dir(), folder)
    return folder


def test_a_stored_model_holds_its_networks_once(stored):
    networks = sorted(path.relative_to(stored).as_posix() for path in stored.rglob("*.keras"))
    assert networks == [f"artifacts/networks/fold_{fold}.symmetric_1d.keras" for fold in range(3)]
    assert not [*stored.rglob("__pycache__")]
    request = json.loads((stored / "serving_input_example.json").read_text())
    assert list(request) == ["inputs"]
    assert np.shape(request["inputs"]["eeg"]) == (1, 20, 10_000)


@pytest.mark.parametrize("by_environment", [False, True])
def test_its_limits_can_be_set_where_it_is_loaded(stored, monkeypatch, by_environment):
    monkeypatch.setattr(sys, "path", [*sys.path])
    limits = {"most_windows": 2}
    if by_environment:
        monkeypatch.setenv("MLFLOW_PYFUNC_INFERENCE_CONFIG", json.dumps(limits))
    model = mlflow.pyfunc.load_model(str(stored), model_config=None if by_environment else limits)
    assert len(model.predict({"eeg": EEG[:2]})) == 2
    with pytest.raises(RequestError, match="takes 2 windows at most, received 3"):
        model.predict({"eeg": EEG})


ALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("kedro", "kedro_datasets", "kedro_viz", "pydantic_settings"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import mlflow, numpy as np
model = mlflow.pyfunc.load_model(sys.argv[1])
import hbac
print(hbac.__file__)
np.save("predicted.npy", model.predict({"eeg": np.load("eeg.npy")}))
"""


@pytest.mark.slow
def test_it_predicts_in_a_process_that_does_not_know_the_project(stored, tmp_path):
    np.save(tmp_path / "eeg.npy", EEG)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", ALONE, stored]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    package = Path(done.stdout.splitlines()[-1]).parent
    assert package == stored / "code/hbac"
    assert package != Path(hbac.__file__).parent
    expected = EEGEnsemble(SHIPPED, shipped_networks()).predict_windows(EEG)
    np.testing.assert_allclose(np.load(tmp_path / "predicted.npy"), expected, atol=1e-5)
