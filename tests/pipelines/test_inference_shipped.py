"""The networks of the package on a data set, of which small ones take the place here."""

import keras
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac import models
from hbac.datasets import StackedArrayDataset, TableDataset
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.evaluation import kl_divergence
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.pipelines.inference import create_shipped_pipeline
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.inference.params import InferenceParams
from hbac.pipelines.modeling.nodes import describe_ensemble
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.simulation import nodes as simulation
from hbac.pipelines.simulation.params import SimulationParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe

PARAMETERS = recipe("simulation")
SIZES = {"patients": 6, "test_patients": 3, "spectrograms": False, "eegs_per_session": [1, 1]}


def windows_of(labels):
    windows = select_windows(labels, policy="distinct_votes")
    return windows.assign(spectrogram_source="empty")


@pytest.fixture(scope="module")
def data_set():
    params = SimulationParams(**PARAMETERS["simulation"] | SIZES | {"seed": 5})
    train, test, sessions = simulation.plan_cohort(params)
    return {
        "windows": windows_of(train),
        "model_windows": windows_of(train),
        "train_eegs": simulation.simulate_train_eegs(sessions),
        "test.windows": windows_of(test),
        "test.model_windows": windows_of(test),
        "test_eegs": simulation.simulate_test_eegs(sessions),
        "model_input": np.empty(0),
        "test.model_input": np.empty(0),
        "shipped.eeg_waveforms": {},
        "shipped.test.eeg_waveforms": {},
    }


@pytest.fixture(scope="module")
def ensemble(data_set):
    windows = data_set["model_windows"].assign(fold=0, row=0, held_out=False)
    history = pd.DataFrame({"network": ["fold_0.symmetric_1d"], "kept": True, "val_loss": 1.0})
    blend = {"weights": [1.0], "bias": [0.0] * 6}
    modeling = ModelingParams(**PARAMETERS["modeling"])
    spectrogram = SpectrogramParams(**PARAMETERS["spectrogram"])
    return describe_ensemble(history, blend, windows, modeling, spectrogram)


@pytest.fixture(scope="module")
def made(data_set, ensemble, tmp_path_factory):
    keras.utils.set_random_seed(0)
    network = models.build_model(
        architecture="symmetric_1d",
        image_size=(16, 1000),
        pooling="average_and_max",
        input_scale="window",
    )
    folder = tmp_path_factory.mktemp("shipped")
    datasets = data_set | {
        "shipped.ensemble": ensemble,
        "shipped.models": {"fold_0.symmetric_1d": lambda: network},
        "params:inference": InferenceParams(batch_size=8),
        "params:evaluation": EvaluationParams(**PARAMETERS["evaluation"] | {"draws": 20}),
    }
    stacks = {
        f"shipped.{prefix}waveform_input": StackedArrayDataset(
            filepath=str(folder / f"{prefix}waveform_input.npy"), backend="sequential"
        )
        for prefix in ("", "test.")
    }
    names = ("shipped.predictions", "shipped.test.predictions")
    tables = {name: TableDataset(filepath=str(folder / f"{name}.parquet")) for name in names}
    catalog = DataCatalog(
        {name: MemoryDataset(value, copy_mode="assign") for name, value in datasets.items()}
        | stacks
        | tables
    )
    scores = SequentialRunner().run(create_shipped_pipeline(), catalog)["shipped.scores"].load()
    return {name: catalog.load(name) for name in (*stacks, *tables)} | {"shipped.scores": scores}


def test_they_predict_every_labelled_window_and_the_test_split(made, data_set):
    for prefix in ("", "test."):
        predictions, windows = (
            made[f"shipped.{prefix}predictions"],
            data_set[f"{prefix}model_windows"],
        )
        assert predictions["eeg_id"].tolist() == windows["eeg_id"].tolist()
        assert (predictions["fold"] == UNSEEN).all()
        assert made[f"shipped.{prefix}waveform_input"].shape == (len(windows), 16, 1000)
        np.testing.assert_allclose(predictions[list(PREDICTION_COLUMNS)].sum(axis=1), 1, atol=1e-5)


def test_scores_are_those_of_the_labelled_windows(made, data_set):
    predictions, windows = made["shipped.predictions"], data_set["model_windows"]
    votes = windows.filter(regex="_vote$").to_numpy()
    expected = kl_divergence(votes, predictions[list(PREDICTION_COLUMNS)].to_numpy()).mean()
    scores = made["shipped.scores"]
    assert scores["kl"]["value"] == pytest.approx(expected)
    assert scores["n_windows"] == len(windows)
    assert scores["kl"]["low"] <= scores["kl"]["value"] <= scores["kl"]["high"]
