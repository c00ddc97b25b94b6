import numpy as np
import pytest

from hbac.eeg.simulation import population
from hbac.eeg.simulation.population import Quantiles

PUBLISHED = {
    "LPD_RATE": (0.5, 1.0, 1.75),
    "GPD_RATE": (0.75, 1.25, 2.0),
    "RDA_RATE": (0.75, 1.33, 2.0),
    "LPD_VARIATION": (0.11, 0.21, 0.39),
    "GPD_VARIATION": (0.12, 0.25, 0.56),
    "RDA_VARIATION": (0.03, 0.10, 0.18),
    "LPD_CHANNELS": (2, 5, 12),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_draws_have_the_published_quantiles(name):
    rng = np.random.default_rng(0)
    draws = [getattr(population, name).draw(rng) for _ in range(20_000)]
    assert np.quantile(draws, [0.1, 0.5, 0.9]) == pytest.approx(PUBLISHED[name], rel=0.05)


def test_scores_of_a_normal_distribution_give_its_quantiles():
    quantity = Quantiles(1, 3, 27)
    tail = 1.2815515655446004
    assert [quantity.at(score) for score in (-tail, 0, tail, 2 * tail)] == pytest.approx(
        [1, 3, 27, 243]
    )


def test_draws_stay_within_their_limits():
    rng = np.random.default_rng(0)
    draws = [Quantiles(1, 2, 4).draw(rng, limits=(1.5, 3)) for _ in range(1000)]
    assert (min(draws), max(draws)) == (1.5, 3)
