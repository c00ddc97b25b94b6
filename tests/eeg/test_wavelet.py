import numpy as np
import pytest
import pywt

from hbac.eeg.wavelet import decompose, reconstruct


def noise(samples, dtype):
    return np.random.default_rng(samples).normal(0, 50, (3, samples)).astype(dtype)


@pytest.mark.parametrize("wavelet", ["db8", "haar", "db3", "sym5", "bior2.4"])
@pytest.mark.parametrize(("samples", "dtype"), [(10_000, np.float32), (131, np.float64)])
def test_equals_pywavelets(wavelet, samples, dtype):
    signals = noise(samples, dtype)
    expected = pywt.wavedec(signals, wavelet, mode="per")
    found = decompose(signals, wavelet)
    assert [values.shape for values in found] == [values.shape for values in expected]
    tolerance = 50 * np.finfo(dtype).eps
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())
    restored = pywt.waverec(expected, wavelet, mode="per")
    np.testing.assert_allclose(reconstruct(found, wavelet), restored, rtol=0, atol=tolerance * 200)


def test_the_bits_are_pywavelets_but_around_the_end():
    signals = noise(8_192, np.float32)
    ours, theirs = decompose(signals, "db8")[-1], pywt.wavedec(signals, "db8", mode="per")[-1]
    np.testing.assert_array_equal(ours[:, :-4], theirs[:, :-4])


@pytest.mark.parametrize("wavelet", ["db8", "haar", "db3"])
def test_what_was_decomposed_comes_back(wavelet):
    signals = noise(10_000, np.float64)
    restored = reconstruct(decompose(signals, wavelet), wavelet)
    np.testing.assert_allclose(restored[:, :10_000], signals, atol=1e-6)


def test_few_samples_have_no_level():
    signals = noise(10, np.float32)
    (alone,) = decompose(signals, "db8")
    np.testing.assert_array_equal(alone, signals)
