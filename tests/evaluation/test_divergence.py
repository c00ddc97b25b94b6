import numpy as np
import pytest

from hbac.evaluation import kl_by_tier, kl_differences, kl_divergence, resample_patients, uniform


def patients_of(rows, draws=50):
    return resample_patients(np.arange(rows), draws=draws, seed=0)


def test_agreement_scores_zero():
    votes = np.array([[0.5, 0.5, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose(kl_divergence(votes, votes), 0, atol=1e-12)


def test_uniform_against_one_class_is_log_6():
    votes = np.eye(6)
    np.testing.assert_allclose(kl_divergence(votes, uniform(votes)), np.log(6))


def test_a_class_without_probability_is_clipped_as_in_the_competition():
    votes = np.array([[1.0, 0, 0, 0, 0, 0]])
    prediction = np.array([[0.0, 1, 0, 0, 0, 0]])
    assert kl_divergence(votes, prediction)[0] == pytest.approx(-np.log(1e-15))


def test_a_known_mixture():
    votes = np.array([[0.75, 0.25, 0, 0, 0, 0]])
    prediction = np.array([[0.5, 0.25, 0.25, 0, 0, 0]])
    assert kl_divergence(votes, prediction)[0] == pytest.approx(0.75 * np.log(1.5))


def test_tiers_divide_at_3_and_10():
    votes = np.eye(6)
    n_votes = np.array([1, 2, 3, 9, 10, 20])
    table = kl_by_tier(votes, n_votes, {"uniform": uniform(votes)}, patients_of(6))
    assert dict(zip(table["tier"], table["n"], strict=True)) == {
        "all": 6,
        "under 3": 2,
        "3-9": 2,
        "10 and more": 2,
    }


def test_an_empty_tier_has_no_score():
    votes = np.eye(6)[:1]
    table = kl_by_tier(votes, np.array([12]), {"uniform": uniform(votes)}, patients_of(1))
    table = table.set_index("tier")
    assert np.isnan(table.loc["under 3", "kl"])
    assert table.loc["under 3", "n_patients"] == 0
    assert table.loc["10 and more", "kl"] == pytest.approx(np.log(6))
    assert np.isnan(table.loc["all", "low"])


def make_models(rows=200, seed=0):
    random = np.random.default_rng(seed)
    votes = random.dirichlet(np.ones(6), rows)
    near, nearer = (0.5 * votes + 0.5 * uniform(votes), 0.52 * votes + 0.48 * uniform(votes))
    return votes, random.integers(1, 20, rows), {"nearer": nearer, "near": near}


def test_intervals_hold_the_mean():
    votes, n_votes, models = make_models()
    table = kl_by_tier(votes, n_votes, models, patients_of(200))
    assert (table["low"] < table["kl"]).all()
    assert (table["kl"] < table["high"]).all()
    assert (table["n"] == table["n_patients"]).all()


def test_the_difference_is_that_of_the_means():
    votes, n_votes, models = make_models()
    table = kl_by_tier(votes, n_votes, models, patients_of(200)).set_index(["tier", "model"])
    difference = kl_differences(votes, n_votes, models, patients_of(200)).set_index("tier")
    for tier in difference.index:
        expected = table.loc[(tier, "nearer"), "kl"] - table.loc[(tier, "near"), "kl"]
        assert difference.loc[tier, "difference"] == pytest.approx(expected)
    assert (difference["baseline"] == "near").all()


def test_draws_are_paired():
    votes, n_votes, models = make_models()
    table = kl_by_tier(votes, n_votes, models, patients_of(200)).set_index(["tier", "model"])
    nearer, near = (table.loc[("all", name)] for name in models)
    assert nearer["high"] > near["low"]
    difference = kl_differences(votes, n_votes, models, patients_of(200)).iloc[0]
    assert difference["high"] < 0


def test_nan_predictions_are_refused():
    votes = np.eye(6)
    prediction = uniform(votes)
    prediction[4, 2] = np.nan
    with pytest.raises(ValueError, match="in row 4"):
        kl_divergence(votes, prediction)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(6, 6\), predictions \(5, 6\)"):
        kl_divergence(np.eye(6), np.eye(6)[:5])
