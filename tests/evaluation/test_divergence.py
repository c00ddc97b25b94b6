import numpy as np
import pytest

from hbac.evaluation import kl_by_tier, kl_divergence, uniform


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
    table = kl_by_tier(votes, np.array([1, 2, 3, 9, 10, 20]), {"uniform": uniform(votes)})
    assert dict(zip(table["tier"], table["n"], strict=True)) == {
        "all": 6,
        "under 3": 2,
        "3-9": 2,
        "10 and more": 2,
    }


def test_an_empty_tier_has_no_score():
    votes = np.eye(6)[:1]
    table = kl_by_tier(votes, np.array([12]), {"uniform": uniform(votes)}).set_index("tier")
    assert np.isnan(table.loc["under 3", "kl"])
    assert table.loc["10 and more", "kl"] == pytest.approx(np.log(6))


def test_nan_predictions_are_refused():
    votes = np.eye(6)
    prediction = uniform(votes)
    prediction[4, 2] = np.nan
    with pytest.raises(ValueError, match="in row 4"):
        kl_divergence(votes, prediction)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(6, 6\), predictions \(5, 6\)"):
        kl_divergence(np.eye(6), np.eye(6)[:5])
