import re

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.eeg.votes import BAND_POWER_COLUMNS, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.evaluation import create_pipeline
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.tracking.scores import explanation_scores, readable_scores, summarise_training


def record(n_windows, n_folds):
    """The record that evaluation leaves, of random predictions."""
    rng = np.random.default_rng(0)
    numbers = np.arange(n_windows)
    ids = {"eeg_id": numbers, "patient_id": numbers // 2, "fold": numbers // 2 % n_folds}
    table = pd.DataFrame(ids | {"n_votes": 1 + numbers % 20})
    for columns in (VOTE_COLUMNS, PREDICTION_COLUMNS, BAND_POWER_COLUMNS):
        table[list(columns)] = rng.dirichlet(np.ones(6), n_windows)
    params = EvaluationParams(draws=20, confidence=0.9, n_bins=3, seed=0)
    data = {"oof_predictions": table, "params:evaluation": params}
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in data.items()})
    pipeline = create_pipeline().to_outputs("metrics")
    return SequentialRunner().run(pipeline, catalog)["metrics"].load()


ESTIMATE = {"value": 0.2, "low": 0.1, "high": None}
KINDS = dict.fromkeys(("Fusion", "Grad-CAM++", "random", "centre prior"), ESTIMATE)
EXPLANATIONS = {
    "method": "Fusion",
    "failing": ["LayerCAM", "EigenCAM"],
    "faithfulness": {"ROAD": KINDS, "deletion, mean spectrum": KINDS},
    "randomisation": {"Fusion": ESTIMATE, "Grad-CAM++": ESTIMATE},
    "planted": KINDS | {"chance": 0.05, "detected": None},
}


def test_names_are_the_same_in_every_run_and_few():
    of_two, of_three = (readable_scores(record(120, n_folds)) for n_folds in (2, 3))
    assert list(of_two) == list(of_three)
    assert len(of_two) < 70
    assert all(re.fullmatch(r"[\w.-]+", name) for name in of_two)


def test_scores_are_those_of_the_record():
    metrics = record(120, 2)
    scores = readable_scores(metrics)
    assert scores["kl.10_and_more.band_power"] == metrics["kl"]["10 and more"]["band power"]
    assert scores["kl.all.model.low"] == metrics["kl_interval"]["all"]["model"]["low"]
    difference = metrics["kl_difference"]["all"]["uniform"]
    assert scores["kl_difference.all.uniform"] == difference["value"]
    assert scores["kl_difference.all.uniform.high"] == difference["high"]
    assert scores["auprc.lpd"] == metrics["auprc"]["lpd"]["value"]
    assert scores["ece.all"] == metrics["calibration"]["ece"]["all"]


def test_what_does_not_exist_is_left_out():
    assert readable_scores({"auroc": {"lpd": None, "gpd": 0.5}}) == {"auroc.gpd": 0.5}


def test_the_training_of_several_networks_is_summed_up():
    table = {"network": list("aab"), "val_loss": [1.0, 3.0, 2.0], "seconds": [1.0, 1.0, 4.0]}
    summary = summarise_training(pd.DataFrame(table).assign(kept=[False, True, True]))
    assert summary == pytest.approx({"kept_val_loss": 2.5, "epochs": 3, "training_seconds": 6})


def test_scores_of_explanations_are_those_of_the_method_and_of_maps_that_know_nothing():
    scores = explanation_scores(EXPLANATIONS)
    groups = ("faithfulness.ROAD", "faithfulness.deletion_mean_spectrum", "planted")
    expected = {
        f"{group}.{name}": value
        for group in groups
        for name, value in (
            ("Fusion", 0.2),
            ("Fusion.low", 0.1),
            ("random", 0.2),
            ("centre_prior", 0.2),
        )
    }
    after = {"randomisation.Fusion": 0.2, "randomisation.Grad-CAMplusplus": 0.2}
    assert scores == expected | after | {"planted.chance": 0.05}
