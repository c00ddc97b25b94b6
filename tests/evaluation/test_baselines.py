import numpy as np
import pytest

from hbac.evaluation import band_power_regression, class_prior, kl_divergence, uniform


def test_the_prior_of_a_fold_comes_from_the_others():
    votes = np.eye(6)[[0, 0, 1, 5]]
    prior = class_prior(votes, np.array([0, 0, 1, 1]))
    assert prior[0].tolist() == [0, 0.5, 0, 0, 0, 0.5]
    assert prior[2].tolist() == [1, 0, 0, 0, 0, 0]


def test_the_prior_of_a_single_fold_is_its_own_mean():
    votes = np.eye(6)[[0, 1, 1, 1]]
    assert class_prior(votes, np.full(4, -1))[0, 1] == pytest.approx(0.75)


def make_features(rows=240, seed=0):
    """Features on which the log odds of the classes depend linearly."""
    random = np.random.default_rng(seed)
    features = random.normal(5, 2, (rows, 3))
    logits = (features - 5) @ random.normal(0, 0.8, (3, 6))
    votes = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return features, votes, np.arange(rows) % 3


def test_regression_finds_what_soft_votes_depend_on():
    features, votes, folds = make_features()
    predictions = band_power_regression(features, votes, folds)
    np.testing.assert_allclose(predictions.sum(axis=1), 1)
    assert kl_divergence(votes, predictions).mean() < 0.02
    assert kl_divergence(votes, uniform(votes)).mean() > 0.5


def test_a_fold_is_predicted_without_its_votes():
    features, votes, folds = make_features()
    others = votes.copy()
    others[folds == 1] = np.eye(6)[0]
    inside = folds == 1
    first = band_power_regression(features, votes, folds)
    again = band_power_regression(features, others, folds)
    np.testing.assert_array_equal(first[inside], again[inside])
    assert np.abs(first[~inside] - again[~inside]).max() > 0.1


def test_a_missing_feature_is_the_median_of_the_other_folds():
    features, votes, folds = make_features(30)
    features[0, 1] = np.nan
    filled = features.copy()
    filled[0, 1] = np.median(features[folds != folds[0], 1])
    fold = folds == folds[0]
    missing = band_power_regression(features, votes, folds)[fold]
    np.testing.assert_allclose(missing, band_power_regression(filled, votes, folds)[fold])


@pytest.mark.filterwarnings("error")
def test_a_feature_and_a_class_that_other_folds_lack():
    features, _, folds = make_features(22)
    features[folds != 0, 2] = np.nan
    votes = np.eye(6)[np.where(folds == 0, 4, np.arange(22) % 2)]
    predictions = band_power_regression(features, votes, folds)
    assert np.isfinite(predictions).all()
    assert predictions[folds == 0, 4].max() < 0.1


@pytest.mark.filterwarnings("error")
def test_a_single_fold_is_fitted_on_itself():
    features, votes, _ = make_features()
    predictions = band_power_regression(features, votes, np.full(len(votes), -1))
    assert kl_divergence(votes, predictions).mean() < 0.5


def test_features_that_say_nothing_do_no_harm():
    rng = np.random.default_rng(0)
    noise, votes, folds = (
        rng.normal(size=(60, 40)),
        rng.dirichlet(np.ones(6), 60),
        np.arange(60) % 3,
    )
    predictions = band_power_regression(noise, votes, folds)
    prior = kl_divergence(votes, class_prior(votes, folds)).mean()
    assert kl_divergence(votes, predictions).mean() < prior + 0.05


def test_as_many_rows_are_needed():
    with pytest.raises(ValueError, match="received 3, 4 and 4"):
        band_power_regression(np.ones((3, 2)), np.ones((4, 6)) / 6, np.zeros(4))
