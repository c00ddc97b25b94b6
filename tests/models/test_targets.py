import itertools

import numpy as np
import pytest

from hbac.models import cosine_rates, soften, vote_weights


def test_few_votes_feel_the_prior_more_than_many():
    fractions = np.array([[1.0, 0], [1, 0]])
    softened = soften(fractions, [1, 9], np.array([0.5, 0.5]), 1.0)
    np.testing.assert_allclose(softened, [[0.75, 0.25], [0.95, 0.05]])
    np.testing.assert_array_equal(soften(fractions, [1, 9], np.array([0.5, 0.5]), 0), fractions)


def test_ten_votes_count_in_full():
    weights = vote_weights(np.array([1, 5, 10, 20]))
    np.testing.assert_allclose(weights / weights[2], [0.1, 0.5, 1, 1])
    assert weights.mean() == pytest.approx(1)


def test_rates_rise_to_the_peak_and_fall_along_a_cosine():
    rates = cosine_rates(6, peak=1.0, warm_up=2)
    np.testing.assert_allclose(rates[:3], [1 / 3, 2 / 3, 1])
    assert all(later < sooner for sooner, later in itertools.pairwise(rates[2:]))
    np.testing.assert_allclose(rates[3:], (1 + np.cos(np.pi * np.array([1, 2, 3]) / 3.5)) / 2)
    assert cosine_rates(1, peak=0.1, warm_up=0) == (0.1,)
    with pytest.raises(ValueError, match="one of 3 epochs, received 3"):
        cosine_rates(3, peak=1.0, warm_up=3)
