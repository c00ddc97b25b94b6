import numpy as np
import pytest

from hbac.eeg.wavelet_power import BASE_CYCLES, CYCLES, morlet_power, superlet_power

RATE = 200
WHOLE = [(0.0, 50.0)]


def power_of(transform, signals, frequencies, stretches=WHOLE, n_frames=250):
    return transform(
        np.atleast_2d(signals).astype(np.float32),
        sampling_rate=RATE,
        frequencies=np.array(frequencies, float),
        stretches=stretches,
        n_frames=n_frames,
    )


def tone(frequency, seconds=50):
    return np.sin(2 * np.pi * frequency * np.arange(seconds * RATE) / RATE)


def envelope_by_convolution(signal, frequency, deviation):
    """Power through a wavelet whose deviation in time is given in seconds, as its formula says."""
    time = np.arange(-6 * deviation, 6 * deviation, 1 / RATE)
    wavelet = np.exp(-0.5 * (time / deviation) ** 2 + 2j * np.pi * frequency * time)
    wavelet *= np.sqrt(2 / RATE / (np.abs(wavelet) ** 2).sum())
    return np.abs(np.convolve(signal, wavelet, mode="same")) ** 2


def in_frames(power, n_frames=250):
    return power.reshape(n_frames, -1).mean(axis=1)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(size=50 * RATE)


@pytest.mark.parametrize("frequency", [1.0, 3.3, 12.0])
def test_a_row_is_the_convolution_with_its_wavelet(noise, frequency):
    (found,) = power_of(morlet_power, noise, [frequency])
    by_hand = envelope_by_convolution(noise, frequency, CYCLES / (2 * np.pi * frequency))
    inner = slice(30, -30)
    expected = in_frames(by_hand)[inner]
    # A frame is the mean of 10 samples here and of 40 there.
    np.testing.assert_allclose(found[0, 0, inner], expected, atol=0.04 * expected.max())


def test_a_superlet_is_the_geometric_mean_of_its_wavelets(noise):
    (found,) = power_of(superlet_power, noise, [5, 20])
    cycles = BASE_CYCLES * np.arange(1, 11)
    single = [envelope_by_convolution(noise, 20, one / (5 * 20)) for one in cycles]
    expected = in_frames(np.exp(np.mean(np.log(single), axis=0)))
    np.testing.assert_allclose(found[0, 1, 30:-30], expected[30:-30], atol=0.02 * expected.max())
    alone = in_frames(envelope_by_convolution(noise, 5, BASE_CYCLES / (5 * 5)))
    np.testing.assert_allclose(found[0, 0, 30:-30], alone[30:-30], atol=0.02 * alone.max())


def test_the_last_wavelet_counts_by_the_fraction_that_is_left_of_the_order(noise):
    (found,) = power_of(superlet_power, noise, [5, 7.5, 20])
    # Order 1 + 9 / 6 = 2.5: two wavelets, and half of the third.
    shares = np.array([1, 1, 0.5]) / 2.5
    deviations = BASE_CYCLES * np.arange(1, 4) / (5 * 7.5)
    logs = [np.log(envelope_by_convolution(noise, 7.5, one)) for one in deviations]
    expected = in_frames(np.exp(shares @ logs))
    np.testing.assert_allclose(found[0, 1, 30:-30], expected[30:-30], atol=0.02 * expected.max())


def test_white_noise_shows_its_own_density():
    # Its variance is its density times half the sampling rate.
    signals = np.random.default_rng(1).normal(size=(32, 50 * RATE)) * np.sqrt(RATE / 2)
    (found,) = power_of(morlet_power, signals, [1, 4, 10, 19])
    np.testing.assert_allclose(found.mean(axis=(0, 2)), 1, atol=0.1)
    (found,) = power_of(superlet_power, signals, [1, 4, 10, 19])
    decibels = 10 * np.log10(found.mean(axis=(0, 2)))
    assert decibels.max() < 0.5
    assert decibels.min() > -2.6


@pytest.mark.parametrize("transform", [morlet_power, superlet_power])
def test_a_tone_peaks_at_its_frequency(transform):
    frequencies = np.arange(1, 20)
    (found,) = power_of(transform, [tone(3), tone(10)], frequencies)
    peaks = found[:, :, 100].argmax(axis=1)
    np.testing.assert_array_equal(frequencies[peaks], [3, 10])


def test_superlets_tell_tones_apart_that_one_wavelet_runs_together():
    frequencies = np.arange(1, 21, 0.5)
    pair = tone(15) + tone(17)
    at = [int(np.flatnonzero(frequencies == one)[0]) for one in (15, 16, 17)]
    depth = {}
    for transform in (morlet_power, superlet_power):
        (found,) = power_of(transform, pair, frequencies, n_frames=25)
        low, between, high = found[0, at, 12]
        depth[transform] = between / min(low, high)
    assert depth[morlet_power] > 0.8
    assert depth[superlet_power] < 0.5


def test_a_stretch_is_cut_out_of_the_same_transform(noise):
    whole, middle = power_of(morlet_power, noise, [6], [(0, 50), (20, 30)], n_frames=250)
    np.testing.assert_allclose(
        middle[0, 0].reshape(50, 5).mean(axis=1), whole[0, 0, 100:150], rtol=1e-4
    )


def test_an_offset_is_no_power():
    (found,) = power_of(superlet_power, np.full(50 * RATE, 5000.0), [0.3, 1, 10])
    assert found.max() < 1e-4
