import numpy as np
import pytest
import scipy

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.spectra import chain_spectra, power_density, segment_densities

RATE = 200


def _sine(hertz, microvolts, seconds=10):
    return microvolts * np.sin(2 * np.pi * hertz * np.arange(seconds * RATE) / RATE)


def test_sine_peaks_at_its_frequency_with_its_power():
    frequencies, density = power_density(_sine(10, 30), sampling_rate=RATE)
    assert frequencies[density.argmax()] == 10
    assert np.diff(frequencies) == pytest.approx(0.25)
    # A sine's mean square is half its squared amplitude; Hann puts 2/3 of it in the middle bin.
    assert density.sum() * 0.25 == pytest.approx(450)
    assert density.max() == pytest.approx(450 / 1.5 / 0.25, rel=1e-3)


def test_white_noise_has_its_variance_spread_evenly():
    noise = np.random.default_rng(0).normal(0, 5, (8, 600 * RATE)).astype(np.float32)
    frequencies, density = power_density(noise, sampling_rate=RATE)
    # 25 uV^2 over 100 Hz; the lowest bins lose what the segments' means took.
    assert density[:, 2:-1].mean() == pytest.approx(0.25, rel=0.01)
    assert density[:, -1].mean() == pytest.approx(0.125, rel=0.05)
    assert frequencies[-1] == 100


def test_a_gap_takes_its_segments_alone():
    gap = _sine(10, 30, 40)
    gap[3000:3100] = np.nan
    whole, holed = (power_density(x, sampling_rate=RATE)[1] for x in (_sine(10, 30, 40), gap))
    np.testing.assert_allclose(holed, whole, atol=1e-9)


def test_channel_without_a_whole_segment_is_nan():
    signals = np.stack([_sine(10, 30), np.full(2000, np.nan)])
    density = power_density(signals, sampling_rate=RATE)[1]
    assert np.isnan(density).all(axis=1).tolist() == [False, True]


def test_too_short_a_signal_is_refused():
    with pytest.raises(ValueError, match=r"at least 4 s are needed, received 3 s"):
        power_density(_sine(10, 1, 3), sampling_rate=RATE)


@pytest.fixture
def recording():
    """F8 alone holds a sine of 10 Hz and 30 uV: two of RL's four bipolar channels have it."""
    data = np.random.default_rng(0).normal(0, 1e-6, (len(CHANNELS), 2000))
    data[CHANNELS.index("F8")] += _sine(10, 30)
    return Recording(data.astype(np.float32), CHANNELS)


def test_chain_is_the_mean_of_its_four_channels(recording):
    frequencies, density = chain_spectra(recording, band=(0.5, 70))
    assert frequencies[[0, -1]].tolist() == [0.5, 70]
    assert density.sum(axis=1) * 0.25 == pytest.approx([0, 225, 0, 0], abs=1e-6)


def test_channel_without_data_does_not_count(recording):
    recording.data[CHANNELS.index("T6")] = np.nan
    recording.data[[CHANNELS.index(name) for name in ("F3", "P3")]] = np.nan
    density = chain_spectra(recording, band=(0.5, 70))[1]
    # Of RL, Fp2-F8 and F8-T4 are left; of LP, nothing. A dead electrode is as good as none.
    recording.data[CHANNELS.index("T6")] = -7
    np.testing.assert_array_equal(chain_spectra(recording, band=(0.5, 70))[1], density)
    assert density[1].sum() * 0.25 == pytest.approx(450)
    assert np.isnan(density).all(axis=1).tolist() == [False, False, True, False]


@pytest.mark.parametrize(("samples", "seconds"), [(10_000, 4), (9_999, 4.005), (1_205, 1.005)])
def test_segments_are_those_of_scipy(samples, seconds):
    noise = np.random.default_rng(0).normal(100, 20, (3, samples)).astype(np.float32)
    frequencies, density = segment_densities(noise, sampling_rate=RATE, segment_seconds=seconds)
    length = round(seconds * RATE)
    expected = scipy.signal.spectrogram(
        noise, RATE, "hann", length, length - length // 2, detrend="constant"
    )
    np.testing.assert_allclose(frequencies, expected[0])
    # The mean, which was taken away, leaves no more than rounding.
    np.testing.assert_allclose(density, np.swapaxes(expected[2], 1, 2), rtol=1e-4, atol=1e-6)


def test_whole_numbers_are_measured_as_others():
    whole = np.round(_sine(10, 300)).astype(int)
    density, expected = (power_density(x, sampling_rate=RATE)[1] for x in (whole, whole * 1.0))
    np.testing.assert_allclose(density, expected)
