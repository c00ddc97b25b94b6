from typing import get_args, get_type_hints

import pytest

from hbac.eeg import CLASSES
from hbac.eeg.simulation import Session
from hbac.eeg.simulation.families import FAMILIES


def test_a_session_is_of_one_of_the_families():
    assert get_args(get_type_hints(Session)["family"]) == tuple(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_draws_every_pattern(family):
    assert set(FAMILIES[family].looks) == {name for name in CLASSES if name != "other"}
