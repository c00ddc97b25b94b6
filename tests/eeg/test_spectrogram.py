import itertools
import warnings

import librosa
import numpy as np
import pytest
import pywt

from hbac.eeg import CHAINS, ELECTRODES, Recording, chain_spectrograms, log_mel_spectrogram
from hbac.eeg.denoise import wavelet_denoise
from hbac.eeg.filters import clean
from hbac.eeg.montage import chain_differences
from hbac.eeg.spectrogram import FIXED_RANGE_DB, mean_log_mel_spectrogram, mel_frequencies


def denoised(x, wavelet):
    coefficients = pywt.wavedec(x, wavelet, mode="per")
    d = coefficients[-1]
    level = np.median(np.abs(d - np.median(d))) / 0.6745
    limit = level * np.sqrt(2 * np.log(len(x)))
    coefficients[1:] = [np.where(np.abs(c) > limit, c, 0) for c in coefficients[1:]]
    return pywt.waverec(coefficients, wavelet, mode="per")[: len(x)]


def plain_loop(recording, wavelet):
    """The definition, one bipolar channel after the other."""
    electrode = dict(zip(recording.channels, recording.data, strict=True))
    image = np.zeros((128, 256, 4), np.float32)
    channels = np.zeros((256, 4))
    for k, chain in enumerate(CHAINS.values()):
        for front, back in itertools.pairwise(chain):
            if any(len(set(electrode[name])) == 1 or np.isnan(electrode[name]).all()
                   for name in (front, back)):  # fmt: skip
                continue
            x = electrode[front] - electrode[back]
            there = np.flatnonzero(~np.isnan(x))
            if wavelet:
                for part in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1):
                    x[part] = denoised(x[part], wavelet)
            missing = np.isnan(x)
            x = np.interp(np.arange(len(x)), there, x[there])
            mel = librosa.feature.melspectrogram(
                y=x.astype(np.float32),
                sr=200,
                hop_length=len(x) // 256,
                n_fft=1024,
                n_mels=128,
                fmin=0,
                fmax=20,
                win_length=128,
            )
            starts = np.arange(mel.shape[1]) * (len(x) // 256) - 64
            live = np.array([missing[max(i, 0) : i + 128].mean() <= 0.5 for i in starts])
            decibel = librosa.power_to_db(mel, ref=mel[:, live].max())
            pixels = np.clip((decibel + 40) / 40, -1, 1)[:, :256]
            image[:, live[:256], k] += pixels[:, live[:256]]
            channels[:, k] += live[:256]
    return image / np.where(channels, channels, np.nan)


def eeg(seed=0):
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.normal(size=(19, 10_000)), axis=1).astype(np.float32) * 5
    data[3, 2000:3000] = np.nan
    data[7] = np.nan
    data[12] = 0
    return Recording(data, ELECTRODES)


def largest_difference(ours, theirs):
    """Of two arrays that are NaN in the same places."""
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    return np.nanmax(np.abs(ours - theirs))


@pytest.mark.parametrize("wavelet", ["db8", None])
def test_equals_a_plain_loop_of_librosa_and_pywavelets(wavelet):
    recording = eeg()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = plain_loop(recording, wavelet)
    assert largest_difference(chain_spectrograms(recording, wavelet=wavelet), expected) < 1e-4


def test_equals_the_plain_loop_on_real_eeg(iiic):
    from hbac.datasets import EEGDataset

    for name in ("910000013", "920000001"):
        recording = EEGDataset(filepath=str(iiic / f"train_eegs/{name}.parquet")).load()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            expected = plain_loop(recording, "db8")
        assert largest_difference(chain_spectrograms(recording), expected) < 1e-4


def test_a_10_hz_sine_lights_the_band_that_holds_10_hz():
    sine = np.sin(2 * np.pi * 10 * np.arange(10_000) / 200)
    bands = log_mel_spectrogram(sine)[:, 50:200].mean(axis=1)
    holding = np.abs(mel_frequencies() - 10).argmin()
    # A band is narrower than a bin of the transform, so that the next may hold a bin more.
    assert abs(mel_frequencies()[bands.argmax()] - 10) < 200 / 1024 + 20 / 129 / 2
    assert bands.max() - bands[holding] < 2 / 40
    assert (bands[np.abs(mel_frequencies() - 10) > 4] < bands[holding] - 20 / 40).all()


def test_the_loudest_frame_is_where_the_burst_is():
    signal = np.random.default_rng(0).normal(0, 0.01, 10_000)
    signal[4000:4400] += np.sin(2 * np.pi * 8 * np.arange(400) / 200)
    frame = log_mel_spectrogram(signal).max(axis=0).argmax()
    assert 4000 < frame * 39 < 4400


def test_silence_has_no_maximum_to_be_at():
    assert np.isnan(log_mel_spectrogram(np.zeros(10_000))).all()


def test_low_frequencies_come_first():
    assert (np.diff(mel_frequencies()) > 0).all()
    assert 0 < mel_frequencies()[0] < mel_frequencies()[-1] < 20


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="received 100"):
        log_mel_spectrogram(np.zeros(100))


def sine_on(electrode, frequency, amplitude=20.0):
    """A sine on one electrode; the others are alive, but 150 dB below it."""
    data = np.random.default_rng(0).normal(0, 1e-6, (19, 10_000)).astype(np.float32)
    data[ELECTRODES.index(electrode)] += amplitude * np.sin(
        2 * np.pi * frequency * np.arange(10_000) / 200
    )
    return Recording(data, ELECTRODES)


def decibels(values):
    """Mean decibels above 1 microvolt squared a hertz, from what ``reference="fixed"`` gives."""
    low, high = FIXED_RANGE_DB
    return low + (values + 1) / 2 * (high - low)


def test_a_10_hz_sine_lights_10_hz_in_the_panel_of_the_centre():
    panels = chain_spectrograms(sine_on("T3", 10), wavelet=None, reference="fixed", centre=True)
    assert panels.shape == (128, 256, 8)
    assert panels.dtype == np.float32
    centre = panels[..., 4].mean(axis=1)
    assert abs(mel_frequencies()[centre.argmax()] - 10) < 200 / 1024 + 20 / 129 / 2
    assert (panels[..., 5:] == -1).all()


def test_the_centre_shows_the_central_256_frames_of_40_ms():
    recording = sine_on("T3", 8, amplitude=0)
    recording.data[5, 5000:5020] = 100
    panels = chain_spectrograms(recording, wavelet=None, centre=True)
    assert abs(panels[..., 4].mean(axis=0).argmax() - (25.05 - 19.88) / 0.04) < 3
    recording.data[5, 5000:5020] = 0
    recording.data[5, :3800] = 20 * np.sin(np.arange(3800) / 5)
    panels = chain_spectrograms(recording, wavelet=None, reference="fixed", centre=True)
    assert panels[..., 0].max() > -1
    assert (panels[..., 4] == -1).all()


def test_the_centre_leaves_the_first_panels_as_they_are():
    recording = eeg()
    panels = chain_spectrograms(recording, centre=True)
    np.testing.assert_array_equal(panels[..., :4], chain_spectrograms(recording))
    assert not np.isnan(panels).all(axis=(0, 1)).any()


def test_twice_the_amplitude_is_6_db_against_a_fixed_reference_and_nothing_else():
    quiet, loud = (np.random.default_rng(0).normal(0, s, (1, 4, 10_000)) for s in (10, 20))
    fixed = [decibels(mean_log_mel_spectrogram(x, reference="fixed")) for x in (quiet, loud)]
    # A few values lie below the range.
    assert (np.abs(fixed[1] - fixed[0] - 20 * np.log10(2)) < 1e-3).mean() > 0.99
    own = [mean_log_mel_spectrogram(x) for x in (quiet, loud)]
    np.testing.assert_allclose(own[1], own[0], atol=1e-6)


@pytest.mark.parametrize("win_length", [64, 128])
def test_white_noise_of_1_microvolt_squared_a_hertz_is_0_db(win_length):
    noise = np.random.default_rng(1).normal(0, 10, (1, 16, 10_000))
    fixed = mean_log_mel_spectrogram(noise, reference="fixed", win_length=win_length)
    # The mean logarithm of an exponential variable is Euler's constant below that of its mean.
    below = 10 * np.log10(np.e) * np.euler_gamma
    assert decibels(fixed[20:, 5:-5].mean()) == pytest.approx(-below, abs=0.4)


def test_a_fixed_reference_clips_at_both_ends():
    loud, silent = np.full((2, 1, 4, 10_000), [[[[1e6]]], [[[0.0]]]])
    loud *= np.sin(np.arange(10_000))
    assert mean_log_mel_spectrogram(loud, reference="fixed").max() == 1
    assert (mean_log_mel_spectrogram(silent, reference="fixed") == -1).all()


def test_channels_are_clipped_filtered_and_denoised_in_this_order():
    data = np.cumsum(np.random.default_rng(1).normal(size=(19, 10_000)), axis=1) * 5
    recording = Recording(data.astype(np.float32), ELECTRODES)
    cleaning = {"clip": 200.0, "notch": 60.0, "band_pass": (0.5, 40.0)}
    signals = clean(chain_differences(recording), sampling_rate=200, **cleaning)
    signals = wavelet_denoise(signals, wavelet="db4", noise="mean")
    panels = chain_spectrograms(recording, wavelet="db4", noise="mean", **cleaning, centre=True)
    np.testing.assert_array_equal(panels[..., :4], mean_log_mel_spectrogram(signals))
    centre = signals[..., 3976:6024]
    np.testing.assert_array_equal(panels[..., 4:], mean_log_mel_spectrogram(centre, win_length=64))


def test_another_reference_and_a_window_without_a_centre_are_refused():
    with pytest.raises(ValueError, match="received 'peak'"):
        chain_spectrograms(eeg(), reference="peak")
    short = Recording(np.ones((19, 2000), np.float32), ELECTRODES)
    with pytest.raises(ValueError, match="2048 samples, received 2000"):
        chain_spectrograms(short, wavelet=None, centre=True)


@pytest.mark.parametrize("reference", ["channel", "fixed"])
def test_the_mean_over_any_number_of_channels_is_that_of_each_alone(reference):
    noise = np.random.default_rng(0).standard_normal((11, 10_000))
    signals = (noise * np.geomspace(0.1, 1e4, 11)[:, np.newaxis]).astype(np.float32)
    alone = log_mel_spectrogram(signals, reference=reference)
    for n in (1, 4, 5, 11):
        group = mean_log_mel_spectrogram(signals[np.newaxis, :n], reference=reference)[..., 0]
        np.testing.assert_allclose(group, alone[:n].mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("win_length", [63, 64, 127])
def test_frames_of_odd_and_even_length_are_those_of_librosa(win_length):
    signal = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=signal, sr=200, hop_length=39, n_fft=1024, n_mels=128, fmax=20, win_length=win_length
    )
    expected = (librosa.power_to_db(mel, ref=np.max)[:, :256] + 40) / 40
    actual = log_mel_spectrogram(signal, win_length=win_length)
    np.testing.assert_allclose(actual, expected, atol=1e-4)
