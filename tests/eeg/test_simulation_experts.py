import numpy as np
import pytest

from hbac.eeg import CLASSES
from hbac.eeg.simulation.experts import CONFUSION, PANEL_SIZES, cast_votes, draw_panel, opinion

ONLY_LPD = np.eye(6)[CLASSES.index("lpd")]


def test_each_row_of_the_confusion_is_a_distribution():
    np.testing.assert_allclose(CONFUSION.sum(axis=1), 1)


def test_a_clear_pattern_is_called_by_its_name_and_an_ambiguous_one_not_always():
    clear, ambiguous = (opinion(ONLY_LPD, ambiguity=value) for value in (0, 1))
    assert clear[CLASSES.index("lpd")] == 1
    assert ambiguous[CLASSES.index("lpd")] < 0.5
    np.testing.assert_allclose([clear.sum(), ambiguous.sum()], 1)
    assert ambiguous.min() > 0


def test_votes_follow_the_opinion():
    panel = np.random.default_rng(0).random(100_000)
    probabilities = np.array([0.1, 0.2, 0.3, 0.25, 0.1, 0.05])
    np.testing.assert_allclose(cast_votes(panel, probabilities) / 1e5, probabilities, atol=0.005)


def test_an_expert_who_sees_the_same_votes_the_same():
    votes = cast_votes(np.array([0.05, 0.5, 0.99]), np.array([0.1, 0.2, 0.3, 0.25, 0.1, 0.05]))
    np.testing.assert_array_equal(votes, [1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize("tier", range(len(PANEL_SIZES)))
def test_panels_are_of_their_tiers_size(tier):
    rng = np.random.default_rng(tier)
    sizes = [len(draw_panel(rng, tier=tier)) for _ in range(200)]
    assert (min(sizes), max(sizes)) == PANEL_SIZES[tier]
