import math

import pytest

from hbac.timeline import prevalence_word


@pytest.mark.parametrize(
    ("share", "word"),
    [
        (0.0, "absent"),
        (0.0001, "rare"),
        (0.00999, "rare"),
        (0.01, "occasional"),
        (0.0999, "occasional"),
        (0.1, "frequent"),
        (0.4999, "frequent"),
        (0.5, "abundant"),
        (0.8999, "abundant"),
        (0.9, "continuous"),
        (324 / 360, "continuous"),
        (1.0, "continuous"),
        (math.nan, ""),
    ],
)
def test_words_are_those_of_acns_2021(share, word):
    assert prevalence_word(share) == word


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match=str(share)):
        prevalence_word(share)
