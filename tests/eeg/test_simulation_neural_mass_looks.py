import dataclasses

import numpy as np
import pytest

from hbac.eeg import CLASSES
from hbac.eeg.montage import chain_differences
from hbac.eeg.simulation import (
    Episode,
    Session,
    plan_cohort,
    scalp,
    simulate_pattern,
    simulate_session,
)
from hbac.eeg.simulation.looks import draw_look
from hbac.eeg.simulation.neural_mass import frequency_of
from hbac.eeg.simulation.patient import draw_patient
from hbac.eeg.simulation.resemblance import discharge_seconds, laterality, likeness
from tests.eeg.test_simulation_cohort import SIZES

PATTERNS = [name for name in CLASSES if name != "other"]


def session(pattern, seed=0, **changes):
    episodes = () if pattern == "other" else (Episode(pattern, -5.0, 25.0),)
    plan = Session(
        seed=seed,
        patient_seed=seed,
        seconds=20,
        pattern=pattern,
        ambiguity=0.2,
        episodes=episodes,
        mains_frequency=60.0,
        family="neural_mass",
    )
    return dataclasses.replace(plan, **changes)


def looks(pattern, n=40):
    for seed in range(n):
        plan = session(pattern, seed)
        yield draw_look(plan, draw_patient(plan.patient_seed, pattern), pattern)


def field(look):
    return look.local if hasattr(look, "local") else look.fields.sum(axis=0)


def pattern_alone(plan):
    """The bipolar channels, the largest of them, and its height in the middle, microvolts."""
    eeg = chain_differences(simulate_pattern(plan)).reshape(16, -1)
    largest = eeg[np.ptp(eeg, axis=1).argmax()]
    return eeg, largest, np.median(np.ptp(largest.reshape(10, -1), axis=1))


@pytest.mark.parametrize("pattern", CLASSES)
def test_a_recording_follows_from_its_session_and_is_of_a_family_of_its_own(pattern):
    data = simulate_session(session(pattern)).data
    assert data.dtype == np.float32
    np.testing.assert_array_equal(data, simulate_session(session(pattern)).data)
    assert np.isfinite(data).all()
    for other in ("anatomical", "schematic"):
        assert not np.allclose(data, simulate_session(session(pattern, family=other)).data)


def test_lateralised_fields_are_and_generalised_ones_are_not():
    sides = {p: np.median([laterality(field(x)) for x in looks(p)]) for p in PATTERNS}
    assert min(sides["lpd"], sides["lrda"], sides["seizure"]) > 3 * max(sides["gpd"], sides["grda"])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_the_height_that_experts_are_asked_about(pattern):
    ratios = []
    for seed in range(12):
        plan = session(pattern, seed)
        look = draw_look(plan, draw_patient(seed, pattern), pattern)
        ratios.append(pattern_alone(plan)[2] / scalp.bipolar_amplitudes(field(look)).max())
    assert 0.6 < np.median(ratios) < 1.6


@pytest.mark.parametrize("pattern", ["lrda", "grda"])
def test_rhythms_have_their_rate(pattern):
    found = []
    for seed in range(10):
        plan = session(pattern, seed, ambiguity=0.0)
        rate = draw_look(plan, draw_patient(seed, pattern), pattern).rate
        found.append(frequency_of(pattern_alone(plan)[1][400:-400]) / rate)
    assert np.median(found) == pytest.approx(1, rel=0.1)


def test_discharges_come_at_their_rate():
    found = []
    for seed in range(10):
        plan = session("gpd", seed, ambiguity=0.0)
        look = draw_look(plan, draw_patient(seed, "gpd"), "gpd")
        found.append(frequency_of(np.abs(pattern_alone(plan)[1])) / look.rate)
    # Some have two phases, and some follow each other so fast that they are one.
    assert 0.6 < np.median(found) < 2.2


@pytest.mark.parametrize("pattern", ["lpd", "gpd"])
def test_discharges_last_as_long_as_the_terminology_has_them(pattern):
    seconds = [discharge_seconds(look.phases) for look in looks(pattern)]
    assert np.quantile(seconds, 0.9) <= 0.5
    assert 0.1 < np.median(seconds) < 0.35


def test_seizures_have_the_frequency_that_experts_are_asked_about():
    found = []
    for seed in range(12):
        plan = session("seizure", seed)
        course = draw_look(plan, draw_patient(seed, "seizure"), "seizure").course
        expected = np.exp(np.log([course[name] for name in ("onset", "peak", "offset")]).mean())
        found.append(frequency_of(pattern_alone(plan)[1]) / expected)
    assert np.median(found) == pytest.approx(1, rel=0.35)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_experts_mostly_call_a_pattern_what_it_is(pattern):
    own = CLASSES.index(pattern)
    called = [likeness(session(pattern, seed), 5, 15)[own] for seed in range(30)]
    assert np.mean(called, axis=0).argmax() == own


def test_a_pattern_is_there_during_its_episodes_alone():
    plan = session("gpd", episodes=(Episode("gpd", 0.0, 8.0),))
    eeg = simulate_pattern(plan).data
    assert np.ptp(eeg[:, 400:1600]) > 3 * np.ptp(eeg[:, 2000:])


@pytest.mark.parametrize(
    ("shares", "expected"), [((0.0, 1.0), (0, 1)), ((0.3, 0.4), (0.3, 0.4)), ((1.0, 0.0), (1, 0))]
)
def test_fractions_of_the_sessions_are_of_the_families(shares, expected):
    families = dict(zip(("schematic", "neural_mass"), shares, strict=True))
    sizes = SIZES | {"patients": 120, "sessions_per_patient": (1, 1)} | families
    found = [planned.session.family for planned in plan_cohort(**sizes).sessions]
    shared = [found.count(name) / len(found) for name in families]
    assert shared == pytest.approx(expected, abs=0.15)


def test_a_third_family_leaves_those_of_the_second_as_they_were():
    sizes = SIZES | {"patients": 30, "schematic": 0.4}
    before, after = (plan_cohort(**sizes, neural_mass=share).sessions for share in (0.0, 0.3))
    pairs = [(a.session, b.session) for a, b in zip(before, after, strict=True)]
    changed = [(a.family, b.family) for a, b in pairs if a != b]
    assert set(changed) == {("anatomical", "neural_mass")}


def test_more_than_all_sessions_cannot_be_of_two_families():
    with pytest.raises(ValueError, match=r"at most 1 together, received 0\.7 and 0\.5"):
        plan_cohort(**SIZES | {"schematic": 0.7, "neural_mass": 0.5})
