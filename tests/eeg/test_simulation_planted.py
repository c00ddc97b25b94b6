from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hbac.eeg import CHAINS, CHANNELS, chain_differences, regional_spectrogram
from hbac.eeg.simulation import (
    PlantedEvidence,
    plan_planted,
    planted_pattern,
    simulate_planted,
)
from hbac.eeg.simulation.planted import LOCAL_PATTERNS

PLANTED = PlantedEvidence(seed=5, pattern="lrda", chain="LL", seconds=(20.3, 33.1), duration=60)


@pytest.mark.parametrize("pattern", LOCAL_PATTERNS)
@pytest.mark.parametrize("chain", CHAINS)
def test_the_pattern_is_in_its_chain_and_its_seconds_alone(pattern, chain):
    power = chain_differences(planted_pattern(replace(PLANTED, pattern=pattern, chain=chain))) ** 2
    stretch = power[list(CHAINS).index(chain), :, 4_060:6_620]
    # A channel between electrodes that see the same is flat.
    assert np.sort(stretch.mean(axis=1))[-2] > 5
    stretch[:] = 0
    assert not power.any()


@pytest.mark.parametrize("pattern", LOCAL_PATTERNS)
def test_the_pattern_is_there_up_to_both_ends_of_the_stretch(pattern):
    alone = planted_pattern(replace(PLANTED, pattern=pattern)).pick(("T3",)).data[0]
    present = np.flatnonzero(np.abs(alone) > 1) / 200
    # LPDs may come every two seconds or so.
    assert 20.3 <= present[0] < 23.3
    assert 30.1 < present[-1] < 33.1


def test_recordings_differ_by_the_planted_pattern_alone():
    with_it, without = (
        simulate_planted(planted) for planted in (PLANTED, replace(PLANTED, pattern="other"))
    )
    pattern = planted_pattern(PLANTED).data
    np.testing.assert_allclose(with_it.data[:-1] - without.data[:-1], pattern, atol=1e-3)
    np.testing.assert_array_equal(with_it.data[-1], without.data[-1])
    assert not planted_pattern(replace(PLANTED, pattern="other")).data.any()


@pytest.mark.parametrize("planted", plan_planted(12, seed=1, duration=60), ids=str)
def test_the_planted_chain_and_seconds_have_the_most_power(planted):
    power = regional_spectrogram(simulate_planted(planted)).reshape(-1, 4, 100).sum(axis=2)
    rows = np.arange(1, 60, 2)
    inside = (rows > planted.seconds[0] + 2) & (rows < planted.seconds[1] - 2)
    gain = np.median(power[inside], axis=0) / np.median(power, axis=0)
    assert gain.argmax() == list(CHAINS).index(planted.chain)
    assert gain.max() > 1.5


def test_a_recording_follows_from_its_plan_alone():
    recording = simulate_planted(PLANTED)
    assert recording.channels == CHANNELS
    assert recording.data.shape == (20, 12_000)
    assert recording.data.dtype == np.float32
    assert np.isfinite(recording.data).all()
    assert recording.data.tobytes() == simulate_planted(replace(PLANTED)).data.tobytes()
    assert not np.allclose(recording.data, simulate_planted(replace(PLANTED, seed=6)).data)


def test_plans_are_balanced_and_inside_the_window():
    plans = plan_planted(24, seed=0)
    assert set(Counter((plan.pattern, plan.chain) for plan in plans).values()) == {2}
    assert len({plan.seed for plan in plans}) == 24
    starts, stops = np.transpose([plan.seconds for plan in plans])
    assert plans[0].window_start == 275
    assert starts.min() >= 275
    assert stops.max() <= 325
    assert ((stops - starts >= 9.9) & (stops - starts <= 20.1)).all()
    assert np.ptp(starts) > 20
    assert plan_planted(24, seed=0) == plans != plan_planted(24, seed=1)
    others = plan_planted(5, seed=0, duration=60, patterns=("other",), lengths=(50, 50))
    assert {(plan.pattern, plan.seconds) for plan in others} == {("other", (5.0, 55.0))}


def test_a_stretch_may_be_kept_within_the_middle_of_the_window():
    plans = plan_planted(50, seed=0, lengths=(2, 4), within=10)
    starts, stops = np.transpose([plan.seconds for plan in plans])
    assert 295 <= starts.min() < 296
    assert 304 < stops.max() <= 305


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": "gpd"}, "pattern must be one of .*received 'gpd'"),
        ({"chain": "Cz"}, "chain must be one of .*received 'Cz'"),
        ({"seconds": (50.0, 61.0)}, r"between 0 and 60, received \(50.0, 61.0\)"),
        ({"seconds": (30.0, 31.0)}, "2 s or more"),
    ],
)
def test_impossible_evidence_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(PLANTED, **change)


def test_impossible_plans_are_named():
    with pytest.raises(ValueError, match="duration must be 50 s or more, received 49"):
        plan_planted(1, seed=0, duration=49)
    with pytest.raises(ValueError, match=r"from 2 to 50, received \(20, 60\)"):
        plan_planted(1, seed=0, lengths=(20, 60))
    with pytest.raises(ValueError, match=r"from 2 to 10, received \(2, 20\)"):
        plan_planted(1, seed=0, lengths=(2, 20), within=10)
    with pytest.raises(ValueError, match="within must be above 0 and at most 50, received 60"):
        plan_planted(1, seed=0, lengths=(2, 20), within=60)
