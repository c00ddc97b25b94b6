import numpy as np
import pytest

from hbac.models import soften, vote_weights


def test_few_votes_feel_the_prior_more_than_many():
    fractions = np.array([[1.0, 0], [1, 0]])
    softened = soften(fractions, [1, 9], np.array([0.5, 0.5]), 1.0)
    np.testing.assert_allclose(softened, [[0.75, 0.25], [0.95, 0.05]])
    np.testing.assert_array_equal(soften(fractions, [1, 9], np.array([0.5, 0.5]), 0), fractions)


def test_ten_votes_count_in_full():
    weights = vote_weights(np.array([1, 5, 10, 20]))
    np.testing.assert_allclose(weights / weights[2], [0.1, 0.5, 1, 1])
    assert weights.mean() == pytest.approx(1)
    gentle = vote_weights(np.array([1, 5, 10, 20]), power=0.5)
    np.testing.assert_allclose(gentle / gentle[2], np.sqrt([0.1, 0.5, 1, 1]))
    np.testing.assert_array_equal(vote_weights(np.array([1, 5, 10, 20]), power=0), 1)
