import numpy as np
import pytest
import pywt

from hbac.eeg.denoise import wavelet_denoise


def test_a_known_sum_of_wavelets_survives():
    shapes = pywt.wavedec(np.zeros(1024), "db8", mode="per")
    shapes[0][2], shapes[2][5], shapes[3][7] = 50, 80, -60
    clean = pywt.waverec(shapes, "db8", mode="per")
    noisy = clean + np.random.default_rng(1).normal(0, 0.5, 1024)
    denoised = wavelet_denoise(noisy, wavelet="db8")
    assert np.abs(denoised - clean).max() < 0.5 * np.abs(noisy - clean).max()
    # What is left is the noise of the coefficients that carry the signal or the approximation.
    assert np.std(denoised - clean) < 0.35 * np.std(noisy - clean)


def test_a_sum_of_wavelets_without_noise_is_untouched():
    shapes = pywt.wavedec(np.zeros(1024), "db8", mode="per")
    shapes[1][3] = 10
    clean = pywt.waverec(shapes, "db8", mode="per")
    np.testing.assert_allclose(wavelet_denoise(clean, wavelet="db8"), clean, atol=1e-9)


def test_the_threshold_is_donohos():
    signal = np.random.default_rng(2).normal(size=10_000)
    detail = pywt.wavedec(signal, "db8", mode="per")[-1]
    level = np.median(np.abs(detail - np.median(detail))) / 0.6745
    threshold = level * np.sqrt(2 * np.log(10_000))
    kept = pywt.wavedec(wavelet_denoise(signal, wavelet="db8"), "db8", mode="per")[-1]
    assert ((np.abs(kept) > 1e-9) == (np.abs(detail) > threshold)).all()


@pytest.mark.parametrize("samples", [9_999, 10_000])
def test_length_and_type_stay(samples):
    signals = np.random.default_rng(3).normal(size=(2, samples)).astype(np.float32)
    denoised = wavelet_denoise(signals, wavelet="db8")
    assert denoised.shape == signals.shape
    assert denoised.dtype == np.float32


def test_an_unknown_wavelet_is_named():
    with pytest.raises(ValueError, match="dbx"):
        wavelet_denoise(np.zeros(100), wavelet="dbx")


def test_the_noise_may_be_told_as_the_public_notebooks_do():
    signals = np.random.default_rng(4).standard_t(3, size=(3, 10_000)) * 5
    for signal, denoised in zip(
        signals, wavelet_denoise(signals, wavelet="db8", noise="mean"), strict=True
    ):
        coefficients = pywt.wavedec(signal, "db8", mode="per")
        finest = coefficients[-1]
        level = np.mean(np.abs(finest - np.mean(finest))) / 0.6745
        limit = level * np.sqrt(2 * np.log(len(signal)))
        coefficients[1:] = [pywt.threshold(c, limit, mode="hard") for c in coefficients[1:]]
        np.testing.assert_allclose(denoised, pywt.waverec(coefficients, "db8", mode="per"))


def test_another_noise_is_named():
    with pytest.raises(ValueError, match="received 'mode'"):
        wavelet_denoise(np.zeros(1000), wavelet="db8", noise="mode")
