import numpy as np
import pytest

from hbac.eeg import CHAINS, ELECTRODES, Recording, regional_spectrogram
from hbac.eeg.regional import (
    COLUMNS,
    FREQUENCIES,
    covers_regional_window,
    holds_regional_window,
    long_regional_spectrogram,
    regional_window,
    regional_window_from_eeg,
    rows_by_time,
)


def faint(seconds):
    """Electrodes that are alive, but far below anything that counts."""
    return np.random.default_rng(0).normal(0, 1e-6, (19, seconds * 200)).astype(np.float32)


def sine_on(electrode, frequency, seconds=60):
    data = faint(seconds)
    data[ELECTRODES.index(electrode)] += 20 * np.sin(
        2 * np.pi * frequency * np.arange(seconds * 200) / 200
    )
    return Recording(data, ELECTRODES)


def test_columns_are_named_as_in_the_files():
    assert COLUMNS[:3] == ("LL_0.59", "LL_0.78", "LL_0.98")
    assert COLUMNS[100:102] == ("RL_0.59", "RL_0.78")
    assert {"LL_3.13", "LL_4.1", "LL_12.3"} < set(COLUMNS)
    assert COLUMNS[-1] == "RP_19.92"


def test_a_sine_peaks_at_its_frequency_in_its_chain_alone():
    power = regional_spectrogram(sine_on("T3", 6)).reshape(30, 4, 100)
    means = power.mean(axis=0)
    # The tapers spread a line over their bandwidth of 2 / 4 s = 0.5 Hz to either side.
    assert abs(FREQUENCIES[means[0].argmax()] - 6) < 0.5
    lit = means[0] > means[0].max() / 2
    assert abs(FREQUENCIES[lit].mean() - 6) < 0.1
    assert np.ptp(FREQUENCIES[lit]) < 1.2
    assert means[1:].max() < 1e-12 * means[0].max()
    assert next(iter(CHAINS)) == "LL"


def test_the_power_of_a_sine_is_its_variance():
    # Two of the chain's four channels carry the sine; one-sided power is half the variance.
    power = regional_spectrogram(sine_on("C3", 10)).reshape(30, 4, 100)[5:-5, 2]
    total = power.sum(axis=1).mean() * 200 / 1024
    assert total == pytest.approx(20**2 / 2 / 2 * 2 / 4, rel=0.02)


def test_the_band_pass_removes_drift():
    slow = regional_spectrogram(sine_on("C3", 0.1)).sum()
    assert slow < 1e-3 * regional_spectrogram(sine_on("C3", 2)).sum()


def test_a_row_is_centred_on_every_odd_second():
    data = faint(60)
    data[ELECTRODES.index("C3"), 31 * 200 - 20 : 31 * 200 + 20] = 100
    power = regional_spectrogram(Recording(data, ELECTRODES))
    assert power.shape == (30, 400)
    assert power.sum(axis=1).argmax() == 15


def test_rows_without_eeg_are_missing():
    data = np.random.default_rng(0).normal(size=(19, 60 * 200)).astype(np.float32)
    data[:, 20 * 200 : 30 * 200] = np.nan
    missing = np.isnan(regional_spectrogram(Recording(data, ELECTRODES)))
    # Three of the four seconds of rows 10 and 14 lie in the gap, one of those of rows 9 and 15.
    assert np.flatnonzero(missing.all(axis=1)).tolist() == [10, 11, 12, 13, 14]
    np.testing.assert_array_equal(missing.all(axis=1), missing.any(axis=1))


def test_real_spectrograms_are_recovered_from_their_eeg(iiic):
    from hbac.datasets import EEGDataset, RegionalSpectrogramDataset

    for number in range(1, 20, 2):
        eeg = EEGDataset(filepath=str(iiic / f"train_eegs/9200000{number:02d}.parquet")).load()
        file = f"train_spectrograms/9300000{number:02d}.parquet"
        published = RegionalSpectrogramDataset(filepath=str(iiic / file)).load()
        ours = regional_spectrogram(eeg.crop(20, 10))
        correlation = np.corrcoef(np.log(ours[2]), np.log(published[150]))[0, 1]
        assert correlation > 0.95, number


def test_the_window_around_a_moment_is_the_middle_of_the_whole():
    data = np.random.default_rng(1).normal(size=(19, 700 * 200)).astype(np.float32)
    recording = Recording(data, ELECTRODES)
    window = regional_window_from_eeg(recording, centre=350)
    assert window.shape == (300, 400)
    whole = regional_window(regional_spectrogram(recording), offset=50)
    np.testing.assert_allclose(window[20:-20], whole[20:-20], rtol=0.05)


def test_a_window_that_ends_a_row_past_the_end_is_moved_back_into_the_file():
    power = np.arange(310, dtype=np.float32)[:, None]
    assert regional_window(power, 9)[0] == 4
    assert regional_window(power, 20)[0] == 10
    assert regional_window(power, 22)[0] == 10
    assert regional_window(power, np.nan)[0] == 5


@pytest.mark.parametrize("offset", [-2, -0.5, 24, 50_000, np.inf])
def test_a_window_that_is_not_in_the_file_is_refused(offset):
    power = np.zeros((310, 400), np.float32)
    assert not holds_regional_window(310, offset)
    with pytest.raises(ValueError, match=f"620 s does not hold 10 minutes from second {offset:g}"):
        regional_window(power, offset)


TIME = 2 * np.arange(400) + 1
ROWS = np.arange(400, dtype=np.float32)[:, None].repeat(3, axis=1)


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32])
@pytest.mark.parametrize("shift", [0, -1])
def test_rows_in_the_order_of_their_times_stay_as_they_are(dtype, shift):
    np.testing.assert_array_equal(rows_by_time(ROWS, (TIME + shift).astype(dtype)), ROWS)


def test_rows_out_of_order_are_put_in_order():
    order = np.random.default_rng(0).permutation(400)
    np.testing.assert_array_equal(rows_by_time(ROWS[order], TIME[order]), ROWS)


def test_a_missing_row_is_a_gap_and_shifts_nothing():
    kept = np.delete(np.arange(400), [0, 7, 8, 200])
    placed = rows_by_time(ROWS[kept], TIME[kept])
    np.testing.assert_array_equal(placed[kept], ROWS[kept])
    assert np.flatnonzero(np.isnan(placed).all(axis=1)).tolist() == [0, 7, 8, 200]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (np.where(TIME == 9, np.nan, TIME), "at least 0 s in every row, received nan"),
        (TIME - 100, "at least 0 s in every row, received -99"),
        ((TIME + 32_600).astype(np.int16), "at least 0 s in every row, received -32767"),
        (np.where(TIME == 9, 7, TIME), "second 7 has two rows"),
        (TIME / 2, "second 1 has two rows"),
        (TIME / 60, "second 1 has two rows"),
        (2 * TIME, "leave too many open"),
        (1000 * TIME, "leave too many open"),
        (TIME + 600, "400 rows from 601 to 1399 s leave too many open"),
        (TIME + 1.7e9, "leave too many open"),
        (np.where(TIME == 799, 1e9, TIME), "leave too many open"),
    ],
)
def test_times_that_do_not_tell_rows_apart_are_refused(time, message):
    with pytest.raises(ValueError, match=message):
        rows_by_time(ROWS, time)


@pytest.mark.parametrize(("duration", "expected"), [(50, False), (599, False), (600, True)])
def test_only_ten_minutes_around_the_moment_are_enough(duration, expected):
    assert covers_regional_window(duration, duration / 2) is expected


def test_other_sampling_rates_are_refused():
    with pytest.raises(ValueError, match="received 256"):
        regional_spectrogram(Recording(np.zeros((19, 2560), np.float32), ELECTRODES, 256))


class Long:
    """A recording of any length in memory."""

    channels = ELECTRODES

    def __init__(self, data):
        self.data, self.duration = data, data.shape[1] / 200

    def read(self, start, seconds, channels):
        first, last = round(start * 200), round((start + seconds) * 200)
        assert 0 <= first < last <= self.data.shape[1]
        return Recording(self.data[:, first:last], ELECTRODES).pick(channels)


@pytest.mark.parametrize("samples", [60_000, 60_130, 60_399])
def test_chunks_equal_the_whole(samples):
    data = np.random.default_rng(0).normal(0, 30, (19, samples)).astype(np.float32)
    data[:, 10_000:11_000] = np.nan
    data[ELECTRODES.index("T3"), 20_000:22_500] = 5
    whole = regional_spectrogram(Recording(data, ELECTRODES))
    chunked = long_regional_spectrogram(Long(data), chunk_seconds=60)
    assert np.isnan(whole).any()
    np.testing.assert_allclose(chunked, whole, rtol=1e-4)
