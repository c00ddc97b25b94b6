import numpy as np
import pytest

from hbac.models.blend import Blend, choose_pool, cross_fitted_blend, fit_blend, learn_blend


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


def test_a_linear_pool_weighs_shares():
    """Of 0.9 and 0.1 where the votes are 0.7: three quarters of the one and a quarter of the other.

    The small pull toward the plain mean is what it is off by.
    """
    shares = [np.tile([0.9, 0.1], (50, 1)), np.tile([0.1, 0.9], (50, 1))]
    votes = np.tile([0.7, 0.3], (50, 1))
    blend = fit_blend(shares, votes, "linear")
    assert blend.weights == pytest.approx((0.75, 0.25), abs=0.01)
    assert blend.bias == (0.0, 0.0)
    np.testing.assert_allclose(blend(shares), votes, atol=0.01)


def test_a_linear_pool_keeps_what_one_alone_knows(votes):
    """A class that each of two rules out by turns, which a product of theirs would never name."""
    random = np.random.default_rng(3)
    right = random.random(len(votes)) < 0.7
    wrong = np.roll(votes, 1, axis=1)
    shares = [np.where(right[:, None], votes, wrong), np.where(right[:, None], wrong, votes)]
    linear, product = (fit_blend(shares, votes, pool) for pool in ("linear", "log-linear"))
    assert linear.weights[0] == pytest.approx(0.7, abs=0.05)
    assert divergence(votes, linear(shares)) < divergence(votes, product(shares))


def test_a_blend_is_read_from_its_record():
    record = {"weights": [0.3, 0.7], "bias": [0.0] * 6}
    assert Blend.of_record(record) == Blend((0.3, 0.7), (0.0,) * 6, "log-linear")
    assert Blend.of_record(record | {"pool": "linear"}).pool == "linear"


def experts(votes, kind):
    """Two predictors that one way of joining suits."""
    random = np.random.default_rng(5)
    if kind == "log-linear":  # Both say one class too often.
        shares = [noisy(votes * np.exp([1.0, 0, 0, 0, 0, 0]), 1, seed) for seed in (1, 2)]
        return [part / part.sum(axis=1, keepdims=True) for part in shares]
    if kind == "linear":
        right = random.random(len(votes)) < 0.7
        wrong = np.roll(votes, 1, axis=1)
        return [np.where(side[:, None], votes, wrong) for side in (right, ~right)]
    return [votes, votes]


@pytest.mark.parametrize("kind", ["mean", "linear", "log-linear"])
def test_the_pool_is_chosen_that_carries_over(votes, kind):
    folds, shares = np.arange(2000) % 4, experts(votes, kind)
    assert choose_pool(shares, votes, folds) == kind
    assert learn_blend(shares, votes, folds, "auto") == learn_blend(shares, votes, folds, kind)


def test_one_fold_teaches_nothing_but_the_mean(votes):
    assert choose_pool(experts(votes, "linear"), votes, np.zeros(2000)) == "mean"


def test_windows_that_are_not_to_teach_do_not(votes):
    folds, teaching = np.arange(2000) % 2, np.arange(2000) < 1000
    shares = experts(votes, "linear")
    joined = cross_fitted_blend(shares, votes, folds, pool="linear", learn_from=teaching)
    other = votes.copy()
    other[~teaching] = np.roll(other[~teaching], 1, axis=1)
    again = cross_fitted_blend(shares, other, folds, pool="linear", learn_from=teaching)
    np.testing.assert_array_equal(again, joined)
    assert not np.allclose(cross_fitted_blend(shares, other, folds, pool="linear"), joined)
