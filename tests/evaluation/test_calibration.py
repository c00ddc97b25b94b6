import numpy as np
import pytest

from hbac.evaluation import calibration_scores, reliability_curve, resample_patients

N_BINS = 5


def draw(rows=400, seed=0):
    """Probabilities, votes of ten experts drawn from them, and 20 windows a patient."""
    random = np.random.default_rng(seed)
    predictions = random.dirichlet(np.ones(6), rows)
    votes = random.multinomial(10, predictions) / 10
    return votes, predictions, resample_patients(np.arange(rows) // 20, draws=200, seed=0)


def test_bins_hold_equally_many_windows():
    votes, predictions, bootstrap = draw()
    curve = reliability_curve(votes, predictions, N_BINS, bootstrap)
    assert len(curve) == 6 * N_BINS
    assert (curve["n"] == 80).all()
    assert curve.groupby("class")["predicted"].is_monotonic_increasing.all()


def test_a_bin_compares_means():
    votes, predictions, bootstrap = draw()
    curve = reliability_curve(votes, predictions, N_BINS, bootstrap)
    lowest = np.argsort(predictions[:, 0])[:80]
    first = curve.iloc[0]
    assert first["predicted"] == pytest.approx(predictions[lowest, 0].mean())
    assert first["observed"] == pytest.approx(votes[lowest, 0].mean())
    assert first["low"] < first["observed"] < first["high"]


def test_equal_probabilities_share_a_bin():
    votes, predictions, bootstrap = draw()
    curve = reliability_curve(votes, np.full_like(predictions, 1 / 6), N_BINS, bootstrap)
    assert curve["n"].tolist() == [400] * 6


def test_few_windows_make_few_bins():
    votes, predictions, bootstrap = draw(rows=25)
    assert len(reliability_curve(votes, predictions, N_BINS, bootstrap)) == 6 * 2


def test_a_constant_has_the_error_of_its_mean():
    votes, predictions, bootstrap = draw()
    constant = np.full_like(predictions, 1 / 6)
    scores = calibration_scores(votes, constant, N_BINS, bootstrap).set_index("class")
    expected = np.abs(votes.mean(axis=0) - 1 / 6)
    np.testing.assert_allclose(scores["ece"], [*expected, expected.mean()])


def test_the_error_is_the_mean_gap_of_the_bins():
    votes, predictions, bootstrap = draw()
    scores = calibration_scores(votes, predictions**2, N_BINS, bootstrap).set_index("class")
    curve = reliability_curve(votes, predictions**2, N_BINS, bootstrap)
    gaps = (curve["predicted"] - curve["observed"]).abs().groupby(curve["class"]).mean()
    for name, gap in gaps.items():
        assert scores.loc[name, "ece"] == pytest.approx(gap)


def test_the_interval_of_the_error_holds_it():
    scores = calibration_scores(*draw()[:2], N_BINS, draw()[2])
    assert (scores["ece_low"] <= scores["ece"]).all()
    assert (scores["ece"] <= scores["ece_high"]).all()
    assert (scores["ece_low"] >= 0).all()


def test_brier_of_certainty_about_the_wrong_class():
    votes, predictions = np.eye(6)[[0, 0]], np.eye(6)[[1, 1]]
    bootstrap = resample_patients(np.arange(2), draws=10, seed=0)
    scores = calibration_scores(votes, predictions, N_BINS, bootstrap).set_index("class")
    assert scores["brier"].tolist() == [1, 1, 0, 0, 0, 0, 2]


def test_the_divergence_is_of_all_classes():
    votes, predictions, bootstrap = draw()
    scores = calibration_scores(votes, predictions, N_BINS, bootstrap).set_index("class")
    assert scores["kl"].notna().tolist() == [False] * 6 + [True]
    assert scores.loc["all", "kl_low"] < scores.loc["all", "kl"] < scores.loc["all", "kl_high"]
