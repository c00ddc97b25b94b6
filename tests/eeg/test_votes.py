import numpy as np
import pytest

from hbac.eeg.votes import vote_entropy, vote_fractions


def test_fractions_sum_to_one():
    assert vote_fractions([[3, 0, 0, 0, 0, 1]]).tolist() == [[0.75, 0, 0, 0, 0, 0.25]]


@pytest.mark.parametrize("row", [[0] * 6, [2, -1, 0, 0, 0, 0]])
def test_a_row_without_votes_is_named(row):
    with pytest.raises(ValueError, match=r"row \[1\] holds"):
        vote_fractions([[1, 0, 0, 0, 0, 0], row])


def test_entropy_of_agreement_and_of_an_even_spread():
    fractions = np.array([[1, 0, 0, 0, 0, 0], [1 / 6] * 6, [0.5, 0.5, 0, 0, 0, 0]])
    np.testing.assert_allclose(vote_entropy(fractions), [0, np.log2(6), 1])
