from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from hbac.eeg import CHAINS, CHANNELS, CLASSES, chain_differences, regional_spectrogram
from hbac.eeg.regional import COLUMNS, FREQUENCIES
from hbac.eeg.simulation import (
    Episode,
    Session,
    simulate_excerpt,
    simulate_pattern,
    simulate_session,
    simulate_spectrogram,
)
from hbac.eeg.simulation.brain import simulate_brain
from hbac.eeg.simulation.patient import draw_patient
from hbac.eeg.simulation.scalp import LEFT_FOCI
from hbac.eeg.simulation.session import record

SECONDS = 120


def session_of(pattern, **changes):
    always = () if pattern == "other" else (Episode(pattern, 0.0, float(SECONDS)),)
    session = Session(
        seed=11,
        patient_seed=12,
        seconds=SECONDS,
        pattern=pattern,
        ambiguity=0.1,
        episodes=always,
        mains_frequency=60.0,
    )
    return replace(session, **changes)


def band_power(session, low, high):
    """Median over time of the power in a band, one value a chain."""
    power = regional_spectrogram(simulate_session(session)).reshape(-1, 4, 100)
    inside = (low <= FREQUENCIES) & (high > FREQUENCIES)
    return dict(zip(CHAINS, np.median(power[..., inside].sum(axis=2), axis=0), strict=True))


@pytest.mark.parametrize("pattern", CLASSES)
def test_a_recording_has_all_channels_and_lifelike_amplitudes(pattern):
    recording = simulate_session(session_of(pattern))
    assert recording.channels == CHANNELS
    assert recording.data.shape == (20, SECONDS * 200)
    assert recording.data.dtype == np.float32
    assert np.isfinite(recording.data).all()
    bipolar = chain_differences(recording).reshape(16, -1).std(axis=1)
    assert 3 < np.median(bipolar) < 100


def test_equal_sessions_give_equal_bytes_and_other_seeds_others():
    session = session_of("lpd")
    one, same = simulate_session(session), simulate_session(session_of("lpd"))
    assert one.data.tobytes() == same.data.tobytes()
    for change in ({"seed": 13}, {"patient_seed": 13}):
        assert not np.allclose(one.data, simulate_session(replace(session, **change)).data)


def test_a_pattern_alone_is_that_of_its_episodes_and_nothing_else():
    shown = session_of("grda", episodes=(Episode("grda", 40.0, 80.0),))
    alone = simulate_pattern(shown).data
    assert alone.shape == (19, SECONDS * 200)
    assert alone[:, 8_200:15_800].any()
    assert not alone[:, :8_000].any()
    assert not alone[:, 16_100:].any()
    assert not simulate_pattern(session_of("other")).data.any()


def test_the_amplifier_lets_little_above_its_low_pass_through():
    session = session_of("other")
    whole = record(session, simulate_brain).pick(("T3",)).data
    passed = record(session, simulate_brain, low_pass=40.0).pick(("T3",)).data
    frequencies, power = signal.welch(np.vstack([whole, passed]), 200, nperseg=400)

    def ratio(low, high):
        inside = (frequencies >= low) & (frequencies < high)
        return np.divide(*power[::-1, inside].sum(axis=1))

    assert ratio(1, 10) == pytest.approx(1, abs=0.05)
    assert ratio(38, 42) == pytest.approx(0.5, abs=0.1)
    assert ratio(80, 100) < 0.05


def test_an_excerpt_is_the_sessions_own_samples():
    session = session_of("grda")
    excerpt = simulate_excerpt(session, start=31, seconds=50)
    whole = simulate_session(session)
    np.testing.assert_array_equal(excerpt.data, whole.data[:, 31 * 200 : 81 * 200])
    with pytest.raises(ValueError, match="do not lie inside"):
        simulate_excerpt(session, start=100, seconds=50)


def test_the_spectrogram_is_that_of_the_same_session():
    session = session_of("gpd")
    table = simulate_spectrogram(session)
    assert list(table.columns) == ["time", *COLUMNS]
    assert table["time"].dtype == np.int64
    np.testing.assert_array_equal(table["time"], np.arange(1, SECONDS, 2))
    power = table[list(COLUMNS)].to_numpy()
    assert power.dtype == np.float32
    np.testing.assert_array_equal(power, regional_spectrogram(simulate_session(session)))


def gain_by_side(pattern, patient_seed):
    """What a pattern adds on the side of the focus, and on the other."""
    session = session_of(
        pattern,
        seed=patient_seed,
        patient_seed=patient_seed,
        ambiguity=0.0,
        seconds=60,
        episodes=(Episode(pattern, 0.0, 60.0),),
    )
    own = band_power(session, 0.6, 8)
    silent = band_power(replace(session, episodes=()), 0.6, 8)
    sides = ("L", "R") if draw_patient(patient_seed, pattern).focus in LEFT_FOCI else ("R", "L")
    return [
        own[f"{side}L"] + own[f"{side}P"] - silent[f"{side}L"] - silent[f"{side}P"]
        for side in sides
    ]


@pytest.mark.parametrize("pattern", ["lpd", "lrda"])
def test_most_lateralised_patterns_stand_out_on_the_side_of_the_focus(pattern):
    gains = [gain_by_side(pattern, seed) for seed in range(10)]
    assert np.sum([gain[0] > 1.5 * max(gain[1], 0) for gain in gains]) >= 7


def test_some_seizures_stand_out_on_the_side_of_the_focus_and_some_on_both():
    gains = [gain_by_side("seizure", seed) for seed in range(30)]
    lateralised = np.mean([gain[0] > 1.5 * gain[1] for gain in gains])
    assert 0.2 < lateralised < 0.9


@pytest.mark.parametrize("seed", range(4))
def test_grda_peaks_between_half_and_three_hertz_on_both_sides(seed):
    recording = simulate_session(session_of("grda", seed=seed, ambiguity=0.0))
    chains = chain_differences(recording)
    for chain in (2, 3):
        frequencies, power = signal.welch(chains[chain, 1], 200, nperseg=800)
        above = frequencies >= 0.5
        assert 0.5 <= frequencies[above][power[above].argmax()] <= 3


def test_an_ambiguous_pattern_is_fainter():
    clear, faint = (band_power(session_of("grda", ambiguity=a), 1, 4) for a in (0.0, 0.9))
    assert clear["LP"] > 1.5 * faint["LP"]


def test_the_background_is_attenuated_after_a_seizure():
    session = session_of("seizure", episodes=(Episode("seizure", 20.0, 80.0),))
    before, after = (
        np.diff(simulate_session(session).pick(("C3", "P3")).data[:, a * 200 : b * 200], axis=0)
        for a, b in ((4, 14), (81, 91))
    )
    assert after.std() < 0.75 * before.std()


def test_the_ekg_shows_the_patients_heart_rate():
    ekg = simulate_session(session_of("other")).pick(("EKG",)).data[0]
    ekg = ekg - np.median(ekg)
    peaks, _ = signal.find_peaks(np.abs(ekg), height=0.6 * np.abs(ekg).max(), distance=60)
    assert len(peaks) * 60 / SECONDS == pytest.approx(
        draw_patient(12, "other").heart_rate, rel=0.05
    )


def test_gaps_and_dead_channels_show_in_the_recording_and_its_spectrogram():
    whole = simulate_session(session_of("other"))
    gap = session_of("other", gaps=((40.0, 52.0),))
    data = simulate_session(gap).data
    assert np.isnan(data[:, 8_000:10_400]).all()
    np.testing.assert_array_equal(data[:, :8_000], whole.data[:, :8_000])
    assert simulate_spectrogram(gap)[list(COLUMNS)].isna().all(axis=1).sum() >= 4
    constant = simulate_session(session_of("other", dead_channel="C3"))
    assert np.ptp(constant.pick(("C3",)).data) == 0
    missing = simulate_session(session_of("other", dead_channel="C3", dead_is_missing=True))
    assert np.isnan(missing.pick(("C3",)).data).all()
    assert not simulate_spectrogram(session_of("other", dead_channel="C3")).isna().any(axis=None)
