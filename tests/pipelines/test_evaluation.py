import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.evaluation import create_pipeline
from hbac.pipelines.evaluation.nodes import check_predictions


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "eeg_id": np.arange(40),
            "patient_id": np.arange(40) // 4,
            "fold": np.arange(40) % 2,
            "n_votes": rng.integers(1, 20, 40),
        }
    )
    votes, guesses = rng.dirichlet(np.ones(6), (2, 40))
    return table.assign(
        **dict(zip(VOTE_COLUMNS, votes.T, strict=True)),
        **dict(zip(PREDICTION_COLUMNS, guesses.T, strict=True)),
    )


def run(predictions):
    names = [
        "metrics",
        "kl_by_tier_figure",
        "class_auroc_figure",
        "confusion_matrix_figure",
    ]
    catalog = DataCatalog({name: MemoryDataset() for name in names})
    catalog["oof_predictions"] = MemoryDataset(predictions)
    SequentialRunner().run(create_pipeline(), catalog)
    return {name: catalog.load(name) for name in names}


def test_it_runs_alone_on_any_table_of_predictions(predictions):
    made = run(predictions)
    metrics = made["metrics"]
    votes = predictions[list(VOTE_COLUMNS)].to_numpy()
    guesses = predictions[list(PREDICTION_COLUMNS)].to_numpy()
    expected = (votes * np.log(votes / guesses)).sum(axis=1).mean()
    assert metrics["kl"]["all"]["model"] == pytest.approx(expected)
    assert metrics["kl"]["all"]["uniform"] == pytest.approx(
        (votes * np.log(votes * 6)).sum(axis=1).mean()
    )
    assert metrics["kl"]["all"]["n"] == metrics["n_windows"] == 40
    assert sum(metrics["kl"][tier]["n"] for tier in ("under 3", "3-9", "10 and more")) == 40
    assert np.sum(metrics["confusion"]) == pytest.approx(40)
    assert all(isinstance(made[name], Figure) for name in made if name.endswith("_figure"))


def test_a_score_that_does_not_exist_is_null(predictions):
    metrics = run(predictions.assign(n_votes=20))["metrics"]
    assert metrics["kl"]["under 3"]["model"] is None


def test_windows_without_votes_are_left_out(predictions):
    predictions.loc[:9, "n_votes"] = 0
    assert len(check_predictions(predictions)) == 30


def test_predictions_without_any_votes_are_refused(predictions):
    with pytest.raises(ValueError, match="none of 40 predictions has votes"):
        check_predictions(predictions.assign(n_votes=0))


def test_a_missing_column_is_named(predictions):
    with pytest.raises(ValueError, match="'gpd_pred'"):
        check_predictions(predictions.drop(columns="gpd_pred"))


def test_predictions_that_do_not_sum_to_one_are_named(predictions):
    predictions.loc[5, "gpd_pred"] += 0.5
    with pytest.raises(ValueError, match=r"eeg_id 5 sum to 1\.5"):
        check_predictions(predictions)
