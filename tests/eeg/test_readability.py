"""What is no EEG, or EEG of none of the classes, is told from what is."""

import re

import numpy as np
import pytest

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.montage import BIPOLAR_NAMES, chain_differences
from hbac.eeg.readability import ReadingRule, judge_stretches
from hbac.eeg.simulation import plan_cohort
from hbac.pipelines.simulation.nodes import simulate_train_eegs
from tests.conftest import recipe

RATE, SECONDS = 200, 50
TIME = np.arange(RATE * SECONDS) / RATE
SHAPE = (len(CHANNELS), len(TIME))


@pytest.fixture(scope="module")
def simulated():
    """Windows of simulated patients, and what experts said of them."""
    parameters = recipe("simulation")["pretraining_parameters"]["simulation"]
    plan = {"seed": 9, "patients": 40, "schematic": 0.0, "neural_mass": 0.0}
    whole = {"gap_fraction": 0.0, "dead_channel_fraction": 0.0}
    cohort = plan_cohort(**parameters | plan | whole)
    eegs = [load().data[:, : len(TIME)] for load in simulate_train_eegs(cohort.sessions).values()]
    return list(zip(cohort.train_labels["expert_consensus"], eegs, strict=True))


@pytest.fixture(scope="module")
def seizure(simulated):
    return next(eeg for label, eeg in simulated if label == "Seizure")


def random():
    return np.random.default_rng(0)


def judge(data, channels=CHANNELS, **rule):
    """Judge the central 10 s of 50."""
    recording = Recording(np.asarray(data, np.float32), channels)
    table = judge_stretches(recording, lead=20, step=10, rule=ReadingRule(**rule))
    assert len(table) == 1
    return table.iloc[0]


def test_simulated_patterns_can_be_read(simulated):
    reasons = {}
    for label, eeg in simulated:
        reasons.setdefault(label, []).append(judge(eeg)["reason"])
    assert set(reasons) == {"Seizure", "LPD", "GPD", "LRDA", "GRDA", "Other"}
    assert all(not any(of_class) for label, of_class in reasons.items() if label != "Other")


def test_real_eeg_can_be_read(iiic):
    import pyarrow.parquet as pq

    files = sorted((iiic / "train_eegs").glob("*.parquet"))
    assert files
    for file in files:
        table = pq.read_table(file)
        data = np.stack([table[name].to_numpy() for name in CHANNELS])
        first = (data.shape[1] - len(TIME)) // 2
        assert judge(data[:, first : first + len(TIME)])["reason"] == ""


def bursts(eeg, of_each):
    """EEG that comes through for some seconds of every ten."""
    return np.where(of_each > TIME % 10, eeg, eeg * 0.02)


def held(eeg):
    """EEG of an amplifier whose limits lie far inside of it."""
    limit = 0.4 * eeg.std(axis=1, keepdims=True)
    return np.clip(eeg, -limit, limit)


NO_PATTERN = {
    "nothing at all": (lambda eeg: np.zeros(SHAPE), r"16 of 16 channels .*16 flat"),
    "an inactive brain": (lambda eeg: random().normal(0, 0.3, SHAPE), "suppressed: 100 %"),
    "attenuation": (lambda eeg: eeg / eeg.std(), "suppressed: 100 %"),
    "burst suppression": (lambda eeg: bursts(eeg, 3.0), "suppress"),
    "white noise": (lambda eeg: random().normal(0, 40, SHAPE), "nothing in common"),
    "drifting noise": (
        lambda eeg: np.cumsum(random().normal(0, 5, SHAPE), axis=1),
        "nothing in common",
    ),
    "mains alone": (
        lambda eeg: np.sin(2 * np.pi * 60 * TIME) * np.linspace(50, 300, 20)[:, np.newaxis],
        ".",
    ),
    "mains and an amplifier's noise": (
        lambda eeg: (
            np.sin(2 * np.pi * 50 * TIME) * np.linspace(50, 300, 20)[:, np.newaxis]
            + random().normal(0, 0.5, SHAPE)
        ),
        "suppressed",
    ),
    "a square wave in all": (
        lambda eeg: np.tile(100 * np.sign(np.sin(2 * np.pi * TIME)), (20, 1)),
        "16 flat",
    ),
    "a square wave of many gains": (
        lambda eeg: np.outer(np.linspace(0.5, 2, 20), 100 * np.sign(np.sin(2 * np.pi * TIME))),
        "clipped",
    ),
    "a sine of many gains": (
        lambda eeg: np.outer(np.linspace(0.5, 2, 20), 100 * np.sin(2 * np.pi * 10 * TIME)),
        "one signal",
    ),
    "clipped EEG": (held, "16 clipped"),
    "a loose cable": (
        lambda eeg: eeg + 3000 * np.sin(2 * np.pi * TIME + random().uniform(0, 6, (20, 1))),
        "clipped",
    ),
    "a gap": (lambda eeg: np.where(np.abs(TIME - 25) < 4, np.nan, eeg), "gap in the file"),
}


@pytest.mark.parametrize("name", NO_PATTERN)
def test_what_shows_no_pattern_is_told(name, seizure):
    make, reason = NO_PATTERN[name]
    assert judge(seizure)["reason"] == ""
    assert re.search(reason, judge(make(seizure))["reason"]), judge(make(seizure))["reason"]


@pytest.mark.parametrize("every", [0.5, 1.0, 2.0])
def test_periodic_discharges_on_silence_are_no_burst_suppression(every):
    """A discharge of a fifth of a second over both hemispheres, nothing between two."""
    delays = np.linspace(0, 0.03, 20)[:, np.newaxis]
    phase = (TIME - delays) % every
    field = [100, 90, 60, 30, 50, 40, 20, 0, 80, 60, 30, 95, 85, 60, 30, 55, 40, 20, 5, 0]
    discharges = np.where(phase < 0.2, np.sin(2 * np.pi * phase / 0.2), 0)
    eeg = np.array(field)[:, np.newaxis] * discharges + random().normal(0, 0.5, SHAPE)
    assert judge(eeg)["reason"] == ""


def test_suppression_counts_around_a_burst_as_well(seizure):
    burst = np.where(np.abs(TIME - 25) < 5, seizure, 0.02 * seizure)
    assert judge(burst)["reason"].startswith("burst suppression: 7")
    assert judge(burst, suppressed_share=0.9)["reason"] == ""
    short = np.where((TIME > 3) & (TIME < 10), 0.02 * seizure, seizure)
    assert judge(short)["reason"] == ""


def test_channels_that_cannot_be_read_are_counted(seizure):
    eeg = seizure.copy()
    eeg[[CHANNELS.index(name) for name in ("F7", "T3", "F8")]] = np.nan
    row = judge(eeg)
    assert row["usable_channels"] == 11
    assert row["quality"] == 11 / 16
    assert row["usable_samples"] == 1
    assert row["reason"] == ""
    assert judge(eeg, least_channels=12)["reason"] == (
        "5 of 16 channels cannot be read (5 missing)"
    )
    eeg[[CHANNELS.index(name) for name in ("T4", "F4", "C4")]] = 0
    assert judge(eeg)["reason"] == "9 of 16 channels cannot be read (5 missing, 4 flat)"


def test_shares_are_those_of_channels_and_samples(seizure):
    eeg = seizure.copy()
    eeg[:, (TIME >= 20) & (TIME < 22.5)] = np.nan
    row = judge(eeg)
    assert row["quality"] == row["usable_samples"] == 0.75
    eeg = seizure.copy()
    eeg[CHANNELS.index("F7"), (TIME >= 20) & (TIME < 25)] = 7
    row = judge(eeg)
    np.testing.assert_allclose(row["flat_share"], 2 * 5 / 160)
    np.testing.assert_allclose(row["quality"], 1 - 2 * 5 / 160, atol=1e-3)


def test_hum_is_that_of_the_typical_channel(seizure):
    hum = 40 * np.sin(2 * np.pi * 50 * TIME) * np.linspace(-1, 1, 20)[:, np.newaxis]
    assert judge(seizure + hum)["mains_db"] > judge(seizure)["mains_db"] + 10
    assert judge(seizure + hum)["reason"] == ""


def test_a_bipolar_recording_is_judged_as_its_electrodes_are(seizure):
    pairs = chain_differences(Recording(seizure, CHANNELS)).reshape(16, -1)
    named, electrodes = judge(pairs, BIPOLAR_NAMES), judge(seizure)
    for name in ("quality", "usable_channels", "mains_db", "reason"):
        assert named[name] == pytest.approx(electrodes[name])


def test_stretches_are_judged_one_by_one(seizure):
    data = np.concatenate([seizure, np.full_like(seizure, np.nan), seizure], axis=1)
    table = judge_stretches(Recording(data.astype(np.float32), CHANNELS), lead=20, step=10)
    assert len(table) == 11
    assert (table["reason"] == "gap in the file").tolist() == [3 <= k < 8 for k in range(11)]
