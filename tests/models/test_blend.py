import numpy as np
import pytest

from hbac.models.blend import Blend, cross_fitted_blend, fit_blend


def divergence(votes, shares):
    return float((votes * np.log(votes / shares)).sum(axis=1).mean())


@pytest.fixture(scope="module")
def votes():
    return np.random.default_rng(0).dirichlet(np.full(6, 0.5), 2000).clip(1e-6)


def noisy(votes, scale, seed):
    noise = np.random.default_rng(seed).normal(size=votes.shape) * scale
    shares = votes * np.exp(noise)
    return shares / shares.sum(axis=1, keepdims=True)


def test_the_mean_of_one_is_itself(votes):
    shares = noisy(votes, 1, 1)
    np.testing.assert_allclose(Blend.mean(1, 6)([shares]), shares, rtol=1e-5, atol=1e-7)


def test_the_better_network_weighs_more_and_the_blend_beats_both(votes):
    good, bad = noisy(votes, 0.5, 1), noisy(votes, 1.5, 2)
    blend = fit_blend([good, bad], votes)
    assert blend.weights[0] > 3 * blend.weights[1] > 0
    joined = divergence(votes, blend([good, bad]))
    assert joined < divergence(votes, good) < divergence(votes, bad)


def test_a_class_that_is_always_predicted_too_often_is_taken_back(votes):
    shares = votes * np.exp([1.0, 0, 0, 0, 0, 0])
    shares /= shares.sum(axis=1, keepdims=True)
    blend = fit_blend([shares], votes)
    assert np.argmin(blend.bias) == 0
    assert divergence(votes, blend([shares])) < 0.2 * divergence(votes, shares)


def test_how_sure_an_ensemble_is_is_not_learned_from_single_folds(votes):
    sharp = votes**3 / (votes**3).sum(axis=1, keepdims=True)
    assert fit_blend([sharp], votes).weights == (1.0,)
    assert sum(fit_blend([sharp, noisy(votes, 1, 1)], votes).weights) == pytest.approx(1)


def test_a_fold_is_joined_by_what_the_other_folds_say(votes):
    folds = np.arange(2000) % 2
    shares = [noisy(votes, 0.5, 1), noisy(votes, 1, 2)]
    joined = cross_fitted_blend(shares, votes, folds)
    # What the votes of fold 0 are must not matter for its own predictions.
    other = votes.copy()
    other[folds == 0] = np.roll(other[folds == 0], 1, axis=1)
    again = cross_fitted_blend(shares, other, folds)
    np.testing.assert_array_equal(again[folds == 0], joined[folds == 0])
    assert not np.allclose(again[folds == 1], joined[folds == 1])


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        fit_blend([np.empty((0, 6))], np.empty((0, 6)))
