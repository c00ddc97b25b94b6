import numpy as np
import scipy

from hbac.eeg.multitaper import frame_starts, multitaper_power

RATE = 200


def power_of(signals, frequencies, *, stretch=(0.0, 50.0), n_frames=100, window_seconds=2.0):
    return multitaper_power(
        np.atleast_2d(signals).astype(np.float32),
        sampling_rate=RATE,
        frequencies=np.array(frequencies, float),
        stretch=stretch,
        n_frames=n_frames,
        window_seconds=window_seconds,
    )


def test_it_is_the_mean_of_tapered_periodograms():
    signal = np.random.default_rng(0).normal(size=50 * RATE)
    frequencies = [0.5, 4.0, 11.5]
    found = power_of(signal, frequencies)
    # Frames are 100 samples long, so the window of frame 40 begins 150 before its middle 4050.
    piece = signal[3850:4250]
    spectra = [
        scipy.signal.periodogram(piece, RATE, window=taper, detrend="constant")
        for taper in scipy.signal.windows.dpss(400, 2, 3)
    ]
    rows = np.searchsorted(spectra[0][0], frequencies)
    expected = np.mean([density[rows] for _, density in spectra], axis=0)
    np.testing.assert_allclose(found[0, :, 40], expected, rtol=1e-3)


def test_white_noise_shows_its_own_density():
    signals = np.random.default_rng(1).normal(size=(32, 50 * RATE)) * np.sqrt(RATE / 2)
    found = power_of(signals, [2, 5, 10, 19])
    np.testing.assert_allclose(found.mean(axis=(0, 2)), 1, atol=0.1)


def test_a_tone_peaks_at_its_frequency_and_a_burst_at_its_time():
    time = np.arange(50 * RATE) / RATE
    tone = np.sin(2 * np.pi * 10 * time)
    found = power_of([tone, np.where((time > 30) & (time < 31), tone, 0)], np.arange(1, 20))
    assert found[0, :, 50].argmax() + 1 == 10
    assert abs(found[1, 9].argmax() / 2 - 30.25) <= 0.5


def test_frames_are_equal_parts_of_a_stretch():
    starts = frame_starts((20.0, 30.0), 5, 200, RATE)
    np.testing.assert_array_equal(starts, [4100, 4500, 4900, 5300, 5700])
