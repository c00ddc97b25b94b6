import warnings

import numpy as np
import pytest

from hbac.eeg import ELECTRODES, Recording, chain_spectrograms, regional_spectrogram
from hbac.eeg.filters import clean
from hbac.eeg.gaps import (
    bridge_gaps,
    bridge_short_gaps,
    live_differences,
    live_frames,
    on_live_stretches,
    stretches,
    without_flat,
)

STRONG = {"wavelet": None, "clip": 500.0, "notch": 60.0, "band_pass": (0.5, 20.0)}
RECIPES = {
    "seed": {"wavelet": "db8", "noise": "mean"},
    "strong": STRONG | {"reference": "fixed", "centre": True},
}


def eeg(seed=0, seconds=50):
    """Electrodes with a rhythm each over noise that falls with frequency."""
    rng = np.random.default_rng(seed)
    white = rng.normal(0, 5, (19, seconds * 200))
    slow = clean(np.cumsum(white, axis=1), sampling_rate=200, band_pass=(0.5, 40))
    return Recording((slow + white).astype(np.float32), ELECTRODES)


def spoilt(recording, electrode, value, first=0, last=None):
    data = recording.data.copy()
    data[ELECTRODES.index(electrode), first:last] = value
    return Recording(data, ELECTRODES)


def test_gaps_are_bridged_by_straight_lines():
    nan = np.nan
    signals = np.array([[nan, 2, nan, nan, 5, nan], [nan] * 6, [1, 2, 3, 4, 5, 6]])
    bridged = bridge_gaps(signals)
    assert bridged.tolist() == [[2, 2, 3, 4, 5, 5], [0] * 6, [1, 2, 3, 4, 5, 6]]
    assert np.isnan(signals[0, 0])
    whole = np.ones((2, 3))
    assert bridge_gaps(whole) is whole


def test_stretches_are_runs():
    assert stretches(np.array([1, 1, 0, 0, 1, 0, 1], bool)).tolist() == [[0, 2], [4, 5], [6, 7]]
    assert stretches(np.zeros(3, bool)).size == 0


def test_short_gaps_are_bridged_and_long_ones_stay():
    signals = np.arange(2000.0)[np.newaxis].repeat(2, axis=0)
    signals[0, 500:510] = np.nan
    signals[1, 500:511] = np.nan
    bridged = bridge_short_gaps(signals, sampling_rate=200)
    np.testing.assert_array_equal(bridged[0], np.arange(2000))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(bridged[1])), np.arange(500, 511))


def test_one_value_for_a_second_or_more_is_missing():
    signals = np.random.default_rng(0).normal(size=(5, 1000)).astype(np.float32)
    signals[0] = 3
    signals[1, 333:533], signals[1, 700:899] = -7, -7
    signals[2, :250], signals[2, 50:60] = 0, np.nan
    signals[3, 790:] = 3276.7
    kept = without_flat(signals, sampling_rate=200)
    lost = [stretches(np.isnan(channel)).tolist() for channel in kept]
    # The second run of the second channel is a sample short of a second, as that before the gap is.
    assert lost == [[[0, 1000]], [[333, 533]], [[50, 60]], [[790, 1000]], []]
    assert kept.dtype == np.float32
    assert without_flat(signals[4:], sampling_rate=200).base is signals


@pytest.mark.parametrize("dead", [np.nan, 0, -3000])
def test_a_dead_electrode_takes_its_two_channels_with_it(dead):
    pairs = live_differences(spoilt(eeg(), "T3", dead))
    assert np.argwhere(np.isnan(pairs).all(axis=2)).tolist() == [[0, 1], [0, 2]]
    assert np.isnan(pairs).mean() == 2 / 16


def test_two_electrodes_that_are_shorted_are_dead():
    recording = eeg()
    recording.data[ELECTRODES.index("F8")] = recording.data[ELECTRODES.index("T4")]
    assert np.argwhere(np.isnan(live_differences(recording)).all(axis=2)).tolist() == [[1, 1]]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_gap_that_was_filled_is_a_gap(recipe):
    lost, filled = (eeg(), eeg())
    for recording, value in ((lost, np.nan), (filled, 0)):
        recording.data[...] += 300
        recording.data[:, 3000:5000] = value
    expected = chain_spectrograms(lost, **RECIPES[recipe])
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(chain_spectrograms(filled, **RECIPES[recipe]), expected)


def test_each_stretch_is_filtered_as_if_it_stood_alone():
    signals = 1000 + np.random.default_rng(0).normal(0, 30, (2, 2, 4000)).cumsum(axis=-1)

    def band_passed(stretch):
        return clean(stretch, sampling_rate=200, band_pass=(0.5, 20))

    gappy = signals.copy()
    gappy[:, 0, 1000:3000] = np.nan
    filtered = on_live_stretches(gappy, band_passed, sampling_rate=200)
    np.testing.assert_allclose(filtered[:, 0, :1000], band_passed(signals[:, 0, :1000]))
    assert np.isnan(filtered[:, 0, 1000:3000]).all()
    np.testing.assert_allclose(filtered[:, 0, 3000:], band_passed(signals[:, 0, 3000:]))
    np.testing.assert_allclose(filtered[:, 1], band_passed(signals[:, 1]))


def test_a_stretch_of_less_than_a_second_between_gaps_is_missing():
    signals = np.random.default_rng(0).normal(size=(1, 4000))
    signals[:, 1000:1200], signals[:, 1399:2000] = np.nan, np.nan
    left = ~np.isnan(on_live_stretches(signals, np.negative, sampling_rate=200))
    assert stretches(left[0]).tolist() == [[0, 1000], [2000, 4000]]


def test_a_frame_is_there_where_half_of_it_is():
    live = np.arange(100) < 50
    starts = np.array([-5, 40, 45, 46, 95])
    assert live_frames(live, starts, 10).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("dead", [np.nan, 0, 2500])
def test_a_dead_electrode_changes_its_chains_mean_by_little(recipe, dead):
    settings = RECIPES[recipe]
    whole = chain_spectrograms(eeg(), **settings)
    change = chain_spectrograms(spoilt(eeg(), "T3", dead), **settings) - whole
    assert abs(change.mean(axis=(0, 1))).max() < 0.05
    assert not np.delete(change, [0] if recipe == "seed" else [0, 4], axis=2).any()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_chain_without_a_channel_is_missing(recipe):
    recording = eeg()
    for name in ("F8", "T6"):
        recording = spoilt(recording, name, np.nan)
    missing = np.isnan(chain_spectrograms(recording, **RECIPES[recipe])).all(axis=(0, 1))
    assert np.flatnonzero(missing).tolist() in ([1], [1, 5])


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_edge_of_a_gap_is_no_evidence(recipe):
    """Ten seconds of EEG with an offset, and nothing around them, as real windows come."""
    recording = eeg(1)
    recording.data[...] += np.linspace(-2000, 2000, 19)[:, None] * (recipe == "strong")
    recording.data[:, :4000], recording.data[:, 6000:] = np.nan, np.nan
    panels = chain_spectrograms(recording, **RECIPES[recipe])[..., :4]
    there = ~np.isnan(panels).any(axis=(0, 2))
    np.testing.assert_array_equal(there, ~np.isnan(panels).all(axis=(0, 2)))
    frames = np.flatnonzero(there)
    assert (frames[0] * 39, frames[-1] * 39) == pytest.approx((4000, 6000), abs=39)
    by_frame = panels[:, there].mean(axis=(0, 2))
    inside = by_frame[5:-5]
    for edge in (by_frame[:3], by_frame[-3:]):
        assert (edge < inside.mean() + 4 * inside.std()).all()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_edge_of_a_gap_is_no_evidence_in_real_eeg(iiic, recipe):
    from hbac.datasets import EEGDataset

    for number in range(1, 20, 2):
        file = iiic / f"train_eegs/9200000{number:02d}.parquet"
        panels = chain_spectrograms(EEGDataset(filepath=str(file)).load(), **RECIPES[recipe])
        there = ~np.isnan(panels[..., :4]).all(axis=(0, 2))
        frames = np.flatnonzero(there)
        assert (frames[0] * 39, frames[-1] * 39) == pytest.approx((4000, 6000), abs=39)
        by_frame = panels[:, there, :4].mean(axis=(0, 2))
        assert max(by_frame[0], by_frame[-1]) < by_frame[1:-1].max() + 0.05


def test_lost_packets_of_a_few_samples_change_little():
    whole = chain_spectrograms(eeg(), **RECIPES["strong"])
    recording = eeg()
    for first in range(100, 10_000, 400):
        recording.data[:, first : first + 5] = np.nan
    change = chain_spectrograms(recording, **RECIPES["strong"]) - whole
    assert not np.isnan(change).any()
    assert np.abs(change).mean() < 0.05


def test_offsets_of_a_millivolt_do_not_erase_channels():
    whole = chain_spectrograms(eeg(), **RECIPES["strong"])
    offsets = np.random.default_rng(2).normal(0, 1000, (19, 1))
    drift = np.random.default_rng(3).normal(0, 2000, (19, 1)) * np.linspace(-1, 1, 10_000)
    shifted = Recording((eeg().data + offsets + drift).astype(np.float32), ELECTRODES)
    change = chain_spectrograms(shifted, **RECIPES["strong"]) - whole
    assert np.abs(change[:, 8:-8]).mean() < 0.002
    assert np.abs(change.mean(axis=(0, 1))).max() < 0.01


def test_a_channels_row_of_the_ten_minutes_counts_where_it_is_there():
    whole = regional_spectrogram(eeg(seconds=60)).reshape(30, 4, 100)
    recording = spoilt(eeg(seconds=60), "T3", np.nan, 4000, 6000)
    power = regional_spectrogram(spoilt(recording, "C4", 0)).reshape(30, 4, 100)
    assert not np.isnan(power).any()
    np.testing.assert_array_equal(power[:, [1, 2]], whole[:, [1, 2]])
    ratio = power.mean(axis=(0, 2)) / whole.mean(axis=(0, 2))
    assert (abs(np.log(ratio)) < 0.3).all()


def test_nothing_at_all_is_missing_without_a_warning():
    nothing = Recording(np.full((19, 10_000), np.nan, np.float32), ELECTRODES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for settings in RECIPES.values():
            assert np.isnan(chain_spectrograms(nothing, **settings)).all()
        assert np.isnan(regional_spectrogram(nothing)).all()
