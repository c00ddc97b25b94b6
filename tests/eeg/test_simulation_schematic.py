import dataclasses

import numpy as np
import pytest

from hbac.eeg import CLASSES
from hbac.eeg.montage import chain_differences
from hbac.eeg.simulation import Episode, Session, plan_cohort, scalp, simulate_session
from hbac.eeg.simulation.looks import draw_look
from hbac.eeg.simulation.patient import draw_patient
from hbac.eeg.simulation.resemblance import laterality
from hbac.eeg.simulation.schematic import schematic_background
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
        family="schematic",
    )
    return dataclasses.replace(plan, **changes)


def looks(pattern, n=40):
    for seed in range(n):
        plan = session(pattern, seed)
        yield draw_look(plan, draw_patient(plan.patient_seed, pattern), pattern)


def field(look):
    return look.local if hasattr(look, "local") else look.fields.sum(axis=0)


@pytest.mark.parametrize("pattern", CLASSES)
def test_a_recording_follows_from_its_session_and_is_of_the_other_family(pattern):
    data = simulate_session(session(pattern)).data
    np.testing.assert_array_equal(data, simulate_session(session(pattern)).data)
    assert np.isfinite(data).all()
    assert not np.allclose(data, simulate_session(session(pattern, family="anatomical")).data)


def test_lateralised_fields_are_and_generalised_ones_are_not():
    sides = {p: np.median([laterality(field(x)) for x in looks(p)]) for p in PATTERNS}
    assert min(sides["lpd"], sides["lrda"]) > 2 * max(sides["gpd"], sides["grda"])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_larger_than_the_background(pattern):
    for seed, look in enumerate(looks(pattern, 10)):
        background = draw_patient(seed, pattern).amplitude
        assert scalp.bipolar_amplitudes(field(look)).max() > 3 * background


def test_a_background_has_the_size_that_is_asked_for():
    patient = dataclasses.replace(draw_patient(0, "other"), amplitude=12.0)
    background = schematic_background(np.random.default_rng(0), 4000, patient)
    assert background.dtype == np.float32
    assert scalp.bipolar_amplitude_of(background) == pytest.approx(12, rel=1e-3)


def test_rhythms_have_their_frequency():
    plan = session("grda", 3, ambiguity=0.0)
    look = draw_look(plan, draw_patient(plan.patient_seed, "grda"), "grda")
    eeg = chain_differences(simulate_session(plan)).reshape(16, -1)
    power = np.abs(np.fft.rfft(eeg[np.ptp(eeg, axis=1).argmax()])) ** 2
    frequencies = np.fft.rfftfreq(eeg.shape[1], 1 / 200)
    inside = (frequencies > 0.5) & (frequencies < 8)
    assert frequencies[inside][power[inside].argmax()] == pytest.approx(look.rate, rel=0.3)


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0), (1.0, 1), (0.5, 0.5)])
def test_a_fraction_of_the_sessions_is_of_this_family(fraction, expected):
    sizes = SIZES | {"patients": 60, "sessions_per_patient": (1, 1), "schematic": fraction}
    families = [planned.session.family for planned in plan_cohort(**sizes).sessions]
    assert families.count("schematic") / len(families) == pytest.approx(expected, abs=0.2)
