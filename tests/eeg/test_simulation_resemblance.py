import dataclasses

import numpy as np
import pytest

from hbac.eeg import CLASSES
from hbac.eeg.simulation import Episode, Session, scalp
from hbac.eeg.simulation.appearance import Ictal, Periodic, Rhythmic
from hbac.eeg.simulation.discharges import BIPHASIC, TRIPHASIC
from hbac.eeg.simulation.resemblance import (
    discharge_seconds,
    expert_opinion,
    laterality,
    likeness,
    resemblance,
    stands_out,
)

LEFT = scalp.lateralised_field("C3", width=0.4, contralateral=0.0)
BOTH = scalp.lateralised_field("C3", width=0.4, contralateral=1.0)
SESSION = Session(
    seed=1,
    patient_seed=2,
    seconds=50,
    pattern="lpd",
    ambiguity=0.2,
    episodes=(Episode("lpd", 0.0, 50.0),),
    mains_frequency=60.0,
)


def periodic(**changes):
    look = Periodic(
        rate=1.0, jitter=0.1, phases=BIPHASIC, fields=100 * LEFT[None], delays=0.0, plus=None
    )
    return dataclasses.replace(look, **changes)


def rhythmic(**changes):
    look = Rhythmic(
        rate=1.5, jitter=0.1, sharpness=0.0, spikes=0.0, fields=100 * LEFT[None], delays=0.0
    )
    return dataclasses.replace(look, **changes)


def seizure(**course):
    usual = {"onset": 4.0, "peak": 6.0, "offset": 3.0, "sharpness": 3.0}
    return Ictal(usual | course, 200 * LEFT, 200 * LEFT, np.zeros(19))


def called(look, name, *, background=8.0, progress=0.5):
    shares = resemblance(look, background=background, progress=progress)
    assert shares.sum() == pytest.approx(1)
    return shares[CLASSES.index(name)]


@pytest.mark.parametrize(
    ("look", "name"),
    [
        (periodic(), "lpd"),
        (periodic(fields=100 * BOTH[None]), "gpd"),
        (rhythmic(), "lrda"),
        (rhythmic(fields=100 * BOTH[None]), "grda"),
        (seizure(), "seizure"),
    ],
)
def test_a_clear_example_is_called_by_its_name(look, name):
    assert called(look, name) > 0.9


def test_what_is_small_against_the_background_is_seen_by_few():
    assert called(periodic(), "other", background=100.0) > 0.9
    assert stands_out(35, 10) == pytest.approx(0.5)


def test_discharges_near_their_limit_are_called_seizures_by_some():
    shares = [called(periodic(rate=rate), "seizure") for rate in (1.0, 2.0, 2.3, 2.5)]
    assert shares == sorted(shares)
    assert shares[0] < 0.01
    assert 0.2 < shares[2] < 0.4


def test_discharges_that_leave_no_interval_are_called_rhythmic_by_most():
    assert discharge_seconds(TRIPHASIC) > 0.3
    assert called(periodic(rate=2.4, phases=TRIPHASIC), "lrda") > called(
        periodic(rate=1.0, phases=TRIPHASIC), "lrda"
    )


def test_spikes_on_fast_delta_are_called_a_seizure_by_some():
    assert called(rhythmic(rate=2.5, spikes=0.5), "seizure") > 0.4
    assert called(rhythmic(rate=2.5), "seizure") < 0.1


def test_the_slow_end_of_a_seizure_is_doubted():
    slowing = seizure(offset=1.0)
    assert called(slowing, "seizure", progress=1.0) < called(slowing, "seizure", progress=0.4)


def test_laterality_is_that_of_the_chains():
    assert laterality(BOTH) == pytest.approx(0, abs=1e-6)
    assert laterality(LEFT) == pytest.approx(laterality(LEFT[scalp.MIRRORED]))
    assert laterality(LEFT) > 0.5


def test_a_textbook_example_is_called_what_it_is():
    clear = dataclasses.replace(SESSION, ambiguity=0.0)
    np.testing.assert_array_equal(likeness(clear, 20, 30), np.eye(6))
    assert expert_opinion(clear, 20, 30)[CLASSES.index("lpd")] == 1


def test_what_a_stretch_does_not_show_is_not_asked_about():
    short = dataclasses.replace(SESSION, episodes=(Episode("lpd", 0.0, 10.0),))
    np.testing.assert_array_equal(likeness(short, 20, 30), np.eye(6))
    assert likeness(short, 5, 15)[CLASSES.index("lpd")].max() < 1


def test_no_other_look_is_known():
    with pytest.raises(TypeError, match="one of the patterns"):
        resemblance("lpd", background=8.0, progress=0.5)
