import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hbac.evaluation import PatientBootstrap, class_ranking, ranking_areas, resample_patients


def one_draw(patients, counts):
    """A bootstrap of one draw, whose scores are then both ends of the interval."""
    return PatientBootstrap(patients, np.stack([np.ones_like(counts), counts]), 0.95)


@pytest.mark.parametrize("decimals", [1, 8])
def test_each_draw_is_scored_as_by_weights(decimals):
    random = np.random.default_rng(0)
    patients = random.integers(0, 30, 400)
    probability = random.random(400).round(decimals)
    positive = random.random(400) < probability**2
    for _ in range(5):
        counts = random.multinomial(30, np.full(30, 1 / 30)).astype(float)
        _, low, high = ranking_areas(positive, probability, one_draw(patients, counts))
        weights = {"sample_weight": counts[patients]}
        expected = [
            roc_auc_score(positive, probability, **weights),
            average_precision_score(positive, probability, **weights),
        ]
        np.testing.assert_allclose(low, expected)
        np.testing.assert_allclose(high, expected)


def test_the_value_is_that_of_the_data():
    random = np.random.default_rng(1)
    probability = random.random(100).round(1)
    positive = random.random(100) < 0.3
    value, low, high = ranking_areas(
        positive, probability, resample_patients(np.arange(100), draws=200, seed=0)
    )
    assert value[0] == pytest.approx(roc_auc_score(positive, probability))
    assert value[1] == pytest.approx(average_precision_score(positive, probability))
    assert (low < value).all()
    assert (value < high).all()


def test_draws_in_several_chunks_are_as_in_one(monkeypatch):
    random = np.random.default_rng(2)
    probability, positive = random.random(50), random.random(50) < 0.5
    bootstrap = resample_patients(np.arange(50) // 2, draws=40, seed=0)
    whole = ranking_areas(positive, probability, bootstrap)
    monkeypatch.setattr("hbac.evaluation.ranking._CELLS", 150)
    np.testing.assert_array_equal(ranking_areas(positive, probability, bootstrap), whole)


def test_order_and_its_reverse():
    votes = np.eye(6)[[0, 0, 1, 1]]
    rising = np.array([0.9, 0.6, 0.4, 0.1])
    predictions = np.zeros((4, 6))
    predictions[:, 0], predictions[:, 1] = rising, rising
    bootstrap = resample_patients(np.arange(4), draws=10, seed=0)
    table = class_ranking(votes, predictions, bootstrap).set_index("class")
    assert table.loc["seizure", "auroc"] == 1
    assert table.loc["lpd", "auroc"] == 0
    assert table.loc["seizure", "auprc"] == 1
    assert table["prevalence"].tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert table["n_positive"].tolist() == [2, 2, 0, 0, 0, 0]


def test_a_class_that_is_never_positive_has_no_area():
    votes = np.eye(6)[[0, 0, 1]]
    table = class_ranking(votes, votes, resample_patients(np.arange(3), draws=10, seed=0))
    never = table.set_index("class").loc["gpd"]
    assert never[["auroc", "auroc_low", "auprc", "auprc_high"]].isna().all()


def test_a_class_that_is_always_positive_has_no_auroc():
    votes = np.eye(6)[[0, 0, 0]]
    table = class_ranking(votes, votes, resample_patients(np.arange(3), draws=10, seed=0))
    always = table.set_index("class").loc["seizure"]
    assert np.isnan(always["auroc"])
    assert always["auprc"] == always["prevalence"] == 1


def test_a_class_of_one_patient_has_no_interval():
    votes = np.eye(6)[[0, 0, 1, 1, 1]]
    predictions = np.random.default_rng(0).dirichlet(np.ones(6), 5)
    patients = np.array([7, 7, 1, 2, 3])
    table = class_ranking(votes, predictions, resample_patients(patients, draws=20, seed=0))
    rare = table.set_index("class").loc["seizure"]
    assert rare["n_positive_patients"] == 1
    assert np.isfinite(rare["auroc"])
    assert rare[["auroc_low", "auroc_high", "auprc_low"]].isna().all()
