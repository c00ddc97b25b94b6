from functools import cache

import numpy as np
import pandas as pd
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
    np.testing.assert_allclose(scores["ece_uncorrected"], [*expected, expected.mean()])


def test_the_error_is_the_mean_gap_of_the_bins():
    votes, predictions, bootstrap = draw()
    scores = calibration_scores(votes, predictions**2, N_BINS, bootstrap).set_index("class")
    curve = reliability_curve(votes, predictions**2, N_BINS, bootstrap)
    gaps = (curve["predicted"] - curve["observed"]).abs().groupby(curve["class"]).mean()
    for name, gap in gaps.items():
        assert scores.loc[name, "ece_uncorrected"] == pytest.approx(gap)


def test_the_interval_of_the_error_holds_it():
    scores = calibration_scores(*draw()[:2], N_BINS, draw()[2])
    assert (scores["ece_low"] <= scores["ece"]).all()
    assert (scores["ece"] <= scores["ece_high"]).all()
    assert (scores["ece_low"] >= 0).all()


def draw_clustered(seed, *, patients=40, windows=10, sharpness=1.0, n_votes=(1, 3, 12)):
    """Patients with a tendency of their own, votes of few or many experts, and the truth.

    Returns:
        Vote fractions, predictions (the truth to a power), each row's patient, and the truth.
    """
    random = np.random.default_rng(seed)
    tendency = np.repeat(random.dirichlet(np.full(6, 0.5), patients), windows, axis=0)
    truth = np.stack([random.dirichlet(5 * row + 0.05) for row in tendency])
    counts = random.choice(n_votes, len(truth))
    votes = np.stack([random.multinomial(*one) / one[0] for one in zip(counts, truth, strict=True)])
    predictions = truth**sharpness / (truth**sharpness).sum(axis=1, keepdims=True)
    return votes, predictions, np.arange(len(truth)) // windows, truth


@cache
def true_error(sharpness):
    """The mean error over classes where votes are infinitely many."""
    _, predictions, patients, truth = draw_clustered(0, patients=1500, sharpness=sharpness)
    bootstrap = resample_patients(patients, draws=2, seed=0)
    scores = calibration_scores(truth, predictions, 10, bootstrap).set_index("class")
    return scores.loc["all", "ece_uncorrected"]


@cache
def repeated(sharpness, n_votes):
    """The scores of all classes in forty repeats."""
    rows = []
    for seed in range(1, 41):
        votes, predictions, patients, _ = draw_clustered(seed, sharpness=sharpness, n_votes=n_votes)
        bootstrap = resample_patients(patients, draws=200, seed=0)
        table = calibration_scores(votes, predictions, 10, bootstrap).set_index("class")
        rows.append(table.loc["all"])
    return pd.DataFrame(rows).astype(float)


MIXED, ONE = (1, 3, 12), (1,)


@pytest.mark.parametrize(
    ("sharpness", "n_votes"), [(1.0, MIXED), (1.0, ONE), (1.3, MIXED), (2.0, MIXED), (0.5, ONE)]
)
def test_intervals_hold_the_true_error(sharpness, n_votes):
    truth, scores = true_error(sharpness), repeated(sharpness, n_votes)
    assert ((scores["ece_low"] <= truth) & (truth <= scores["ece_high"])).mean() >= 0.9


@pytest.mark.parametrize("n_votes", [MIXED, ONE])
def test_chance_is_not_taken_for_a_fault(n_votes):
    scores = repeated(1.0, n_votes)
    assert (scores["ece_low"] == 0).mean() >= 0.9
    assert scores["ece"].mean() < 0.2 * scores["ece_uncorrected"].mean()


@pytest.mark.parametrize(("sharpness", "n_votes"), [(2.0, MIXED), (0.5, ONE)])
def test_too_sure_and_too_cautious_are_found(sharpness, n_votes):
    scores, truth = repeated(sharpness, n_votes), true_error(sharpness)
    assert (scores["ece_low"] > 0).mean() >= 0.9
    assert scores["ece"].mean() == pytest.approx(truth, rel=0.2)


def test_chance_is_what_a_calibrated_model_has():
    scores = repeated(1.0, MIXED).mean()
    assert scores["ece_chance"] == pytest.approx(scores["ece_uncorrected"], rel=0.1)


def test_one_patient_has_no_interval_and_no_chance_to_tell():
    votes, predictions, _ = draw()
    bootstrap = resample_patients(np.zeros(400), draws=20, seed=0)
    scores = calibration_scores(votes, predictions, N_BINS, bootstrap)
    assert scores[["ece_low", "ece_high", "ece_chance"]].isna().all(axis=None)
    np.testing.assert_allclose(scores["ece"], scores["ece_uncorrected"])


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
