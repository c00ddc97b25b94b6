import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import resample_patients
from hbac.pipelines.evaluation.brief import score_briefly


def table(votes, predictions):
    frame = pd.DataFrame({"patient_id": range(len(votes))})
    frame[list(VOTE_COLUMNS)] = votes
    frame[list(PREDICTION_COLUMNS)] = predictions
    return frame


def test_scores_are_those_of_the_closed_form():
    votes = np.eye(6)
    predictions = np.full((6, 6), 0.1) + 0.4 * np.eye(6)
    scored = table(votes, predictions)
    bootstrap = resample_patients(np.arange(6), draws=50, confidence=0.9, seed=0)
    scores = score_briefly(scored, bootstrap)
    assert (scores["n_windows"], scores["n_patients"], scores["confidence"]) == (6, 6, 0.9)
    assert scores["kl"]["value"] == pytest.approx(np.log(2))
    assert scores["kl"]["low"] == scores["kl"]["high"] == pytest.approx(np.log(2))
    assert scores["kl_of_prior"]["value"] == pytest.approx(np.log(6))
    assert scores["top_1"]["value"] == 1
    assert list(scores["auroc"]) == list(CLASSES)
    assert scores["auroc"]["lpd"]["value"] == 1


def test_what_does_not_exist_is_none():
    votes = np.eye(6)[[0, 0]]
    bootstrap = resample_patients(np.array([1, 2]), draws=10, seed=0)
    scores = score_briefly(table(votes, np.full((2, 6), 1 / 6)), bootstrap)
    assert scores["auroc"]["gpd"] == {"value": None, "low": None, "high": None}
