import itertools
import warnings

import librosa
import numpy as np
import pytest
import pywt

from hbac.eeg import CHAINS, ELECTRODES, Recording, chain_spectrograms, log_mel_spectrogram
from hbac.eeg.spectrogram import mel_frequencies


def plain_loop(recording, wavelet):
    """The definition, one bipolar channel after the other."""
    electrode = dict(zip(recording.channels, recording.data, strict=True))
    image = np.zeros((128, 256, 4), np.float32)
    for k, chain in enumerate(CHAINS.values()):
        for front, back in itertools.pairwise(chain):
            x = electrode[front] - electrode[back]
            x = np.nan_to_num(x, nan=np.nanmean(x)) if not np.isnan(x).all() else np.zeros_like(x)
            if wavelet:
                coefficients = pywt.wavedec(x, wavelet, mode="per")
                d = coefficients[-1]
                level = np.median(np.abs(d - np.median(d))) / 0.6745
                limit = level * np.sqrt(2 * np.log(len(x)))
                coefficients[1:] = [np.where(np.abs(c) > limit, c, 0) for c in coefficients[1:]]
                x = pywt.waverec(coefficients, wavelet, mode="per")
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
            decibel = librosa.power_to_db(mel, ref=np.max)[:, :256]
            image[..., k] += ((decibel + 40) / 40).astype(np.float32)
    return image / 4


def eeg(seed=0):
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.normal(size=(19, 10_000)), axis=1).astype(np.float32) * 5
    data[3, 2000:3000] = np.nan
    data[7] = np.nan
    data[12] = 0
    return Recording(data, ELECTRODES)


@pytest.mark.parametrize("wavelet", ["db8", None])
def test_equals_a_plain_loop_of_librosa_and_pywavelets(wavelet):
    recording = eeg()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = plain_loop(recording, wavelet)
    assert np.abs(chain_spectrograms(recording, wavelet=wavelet) - expected).max() < 1e-4


def test_equals_the_plain_loop_on_real_eeg(iiic):
    from hbac.datasets import EEGDataset

    for name in ("910000013", "920000001"):
        recording = EEGDataset(filepath=str(iiic / f"train_eegs/{name}.parquet")).load()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            expected = plain_loop(recording, "db8")
        assert np.abs(chain_spectrograms(recording) - expected).max() < 1e-4


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


def test_silence_is_at_its_own_maximum():
    assert (log_mel_spectrogram(np.zeros(10_000)) == 1).all()


def test_low_frequencies_come_first():
    assert (np.diff(mel_frequencies()) > 0).all()
    assert 0 < mel_frequencies()[0] < mel_frequencies()[-1] < 20


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="received 100"):
        log_mel_spectrogram(np.zeros(100))
