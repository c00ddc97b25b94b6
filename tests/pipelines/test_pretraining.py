import json

import numpy as np
import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from hbac.eeg.windows import NO_SPECTROGRAM
from hbac.hooks.location import is_inside, location_of
from hbac.pipelines.pretraining.card import write_card
from hbac.pipelines.pretraining.nodes import take_windows
from hbac.pipelines.pretraining.params import PretrainingParams
from hbac.pipelines.simulation.params import SimulationParams
from hbac.shipped import pretrained_dir
from tests.conftest import PROJECT, recipe
from tests.reports.sessions import refusal, run

SIMULATED = recipe("simulation")
PARAMETERS = SIMULATED["pretraining_parameters"]
SIMULATION = SimulationParams(**PARAMETERS["simulation"])
MODELING = PretrainingParams(**PARAMETERS["modeling"])
SMALLEST = {
    "pretraining.simulation.patients": 12,
    "pretraining.modeling.training.epochs": 1,
    "evaluation.draws": 20,
}


def context_of(params):
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT, runtime_params=params) as session:
        return session.load_context()


def places(**params):
    """Where each dataset that pretraining writes lies, if anywhere."""
    catalog = context_of(params).catalog
    paths = {
        name: location_of(catalog.get(name)) for name in pipelines["pretraining"].all_outputs()
    }
    return {name: path for name, path in paths.items() if path}


def test_networks_and_card_lie_in_the_package_and_all_else_under_data_dir(tmp_path):
    found = places(data_dir=str(tmp_path))
    shipped = {name for name, path in found.items() if is_inside(path, pretrained_dir())}
    networks = {f"pretraining.fold_{fold}.symmetric_1d.model" for fold in range(MODELING.n_folds)}
    assert shipped == {*networks, "pretraining.ensemble", "pretraining.card"}
    others = {name: path for name, path in found.items() if name not in shipped}
    assert "pretraining.waveform_input" in others
    assert all(is_inside(path, tmp_path / "pretraining") for path in others.values())


def test_another_folder_can_be_named_for_them(tmp_path):
    found = places(data_dir=str(tmp_path), models_dir=str(tmp_path / "mine"))
    assert not any(is_inside(path, pretrained_dir()) for path in found.values())
    assert found["pretraining.ensemble"] == tmp_path / "mine/ensemble.json"


def test_checkpoints_stay_out_of_the_package(tmp_path):
    catalog = context_of({"data_dir": str(tmp_path)}).catalog
    path = location_of(catalog.get("pretraining.fold_0.symmetric_1d.checkpoint"))
    assert is_inside(path, tmp_path)


def test_no_recording_and_nothing_but_waveforms_is_stored(tmp_path):
    found = places(data_dir=str(tmp_path))
    assert not {"pretraining.train_eegs", "pretraining.simulated_sessions"} & found.keys()
    made = {output for node in pipelines["pretraining"].nodes for output in node.outputs}
    unwanted = ("spectrogram", "band_power", "model_input")
    assert [name for name in made if any(word in name for word in unwanted)] == []


def test_its_patients_are_not_those_of_a_simulated_data_set():
    assert SIMULATION.seed != SIMULATED["simulation"]["seed"]
    assert SIMULATION.seed != SIMULATED["demo_parameters"]["simulation"]["seed"]
    assert not SIMULATION.spectrograms


def test_networks_that_see_pictures_are_refused(tmp_path):
    changed = {"pretraining.modeling.network.architecture": "symmetric_1d+compact"}
    message = refusal("pretraining", data_dir=str(tmp_path / "data"), **changed)
    assert "must see waveforms alone" in message
    assert "'symmetric_1d+compact'" in message
    assert not (tmp_path / "data").exists()


def test_parameters_of_modeling_are_named_as_pretraining_has_them(tmp_path):
    changed = {"modeling.training.batch_size": 8}
    message = refusal("pretraining", data_dir=str(tmp_path / "data"), **changed)
    assert "pretraining.modeling.training.batch_size" in message


def test_windows_are_taken_as_they_are():
    windows = pd.DataFrame({"eeg_id": [3, 5], "spectrogram_id": NO_SPECTROGRAM})
    taken = take_windows(windows)
    assert taken["spectrogram_source"].tolist() == ["empty", "empty"]
    assert "spectrogram_source" not in windows


def estimate(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


SCORES = {
    "n_windows": 321,
    "n_patients": 123,
    "confidence": 0.9,
    "kl": estimate(0.456),
    "kl_of_prior": estimate(1.234),
    "top_1": estimate(0.789),
    "auroc": {name: estimate(0.9) for name in ("seizure", "lpd", "gpd", "lrda", "grda")}
    | {"other": {"value": 0.9, "low": None, "high": None}},
}
ENSEMBLE = {
    "networks": [{}, {}],
    "spectrogram": PARAMETERS["spectrogram"],
    "waveform": PARAMETERS["modeling"]["waveform"],
}


def test_a_card_says_what_the_networks_are_and_are_not_for():
    card = write_card(ENSEMBLE, SCORES, SIMULATION, MODELING)
    assert "2 networks" in card
    assert "`symmetric_1d`" in card
    assert "middle 10 s" in card
    assert "clip 500.0, notch 60.0, band_pass [0.5, 30.0]" in card
    assert f"seed of the patients is {SIMULATION.seed}," in " ".join(card.split())
    assert "123 simulated patients, 321 windows" in card
    assert "**They are not for clinical use.**" in card
    assert "mirror" not in card  # what is off is not named


def test_a_card_has_scores_with_their_intervals():
    card = write_card(ENSEMBLE, SCORES, SIMULATION, MODELING)
    assert "the 90 % interval" in card
    assert "| 0.456 (0.356 to 0.556) | 1.234 (1.134 to 1.334) |" in card
    assert "| 0.789 (0.689 to 0.889) |" in card
    assert "| AUROC, Other | 0.900 (- to -) |" in card


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the pipeline makes of twelve patients."""
    root = tmp_path_factory.mktemp("pretraining")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
        folders = {"data_dir": str(root / "data"), "models_dir": str(root / "models")}
        run("pretraining", **folders, **SMALLEST)
    return root


@pytest.mark.slow
def test_it_leaves_networks_a_record_and_a_card(made):
    networks = {f"fold_{fold}.symmetric_1d.keras" for fold in range(MODELING.n_folds)}
    left = {path.name for path in (made / "models").iterdir() if path.name[0] != "."}
    assert left == {*networks, "ensemble.json", "README.md"}
    ensemble = json.loads((made / "models/ensemble.json").read_text())
    # By how much training moves them is nothing that networks see.
    assert ensemble["waveform"] | {"shift": 0.0} == PARAMETERS["modeling"]["waveform"]
    assert "12 simulated patients" in (made / "models/README.md").read_text()
    waveforms = np.load(made / "data/pretraining/05_model_input/waveform_input.npy")
    held_out = pd.read_parquet(made / "data/pretraining/07_model_output/oof_predictions.parquet")
    assert len(waveforms) == len(held_out)
    assert not (made / "data/01_raw").exists()


@pytest.mark.slow
def test_its_training_is_logged_as_any_other(made):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{made / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hbac").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    parent = runs.pop("simulation symmetric_1d pretraining 1")
    assert set(runs) == {f"fold_{fold}.symmetric_1d" for fold in range(MODELING.n_folds)}
    assert parent.data.params["modeling.waveform.seconds"] == "10.0"
    assert parent.data.params["simulation.patients"] == "12"
    metrics = json.loads((made / "data/pretraining/08_reporting/metrics.json").read_text())
    kl = metrics["kl"]["all"]["model"]
    assert parent.data.metrics["kl.all.model"] == pytest.approx(kl)
    (version,) = client.search_model_versions("name = 'hbac'")
    assert version.tags["kl"] == f"{kl:.4f}"
