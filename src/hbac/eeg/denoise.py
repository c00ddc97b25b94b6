"""Filling what is missing and removing what is noise from single channels."""

from __future__ import annotations

import warnings

import numpy as np
import pywt

MAD_OF_A_UNIT_NORMAL = 0.6745


def fill_missing(signals: np.ndarray) -> np.ndarray:
    """Replace NaN by the channel's mean, and by 0 in a channel that is NaN throughout.

    Args:
        signals: shape ``(..., samples)``.

    Returns:
        A new array of the same shape and dtype without NaN.
    """
    missing = np.isnan(signals)
    if not missing.any():
        return signals.copy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        means = np.nanmean(signals, axis=-1, keepdims=True)
    return np.where(missing, np.nan_to_num(means), signals).astype(signals.dtype, copy=False)


def wavelet_denoise(signals: np.ndarray, *, wavelet: str) -> np.ndarray:
    """Denoise by hard thresholding of wavelet coefficients at the universal threshold.

    The noise level is the median absolute deviation of the finest detail coefficients over
    0.6745, and the threshold that level times ``sqrt(2 ln(samples))`` (Donoho and Johnstone,
    "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81, 1994). The decomposition is
    periodised (PyWavelets mode ``"per"``) and as deep as the wavelet's length allows.

    Args:
        signals: shape ``(..., samples)``, no NaN.
        wavelet: a discrete wavelet by PyWavelets' name, such as ``"db8"``.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: if PyWavelets knows no wavelet of that name.
    """
    samples = signals.shape[-1]
    approximation, *details = pywt.wavedec(signals, wavelet, mode="per", axis=-1)
    finest = details[-1]
    deviation = np.abs(finest - np.median(finest, axis=-1, keepdims=True))
    noise = np.median(deviation, axis=-1, keepdims=True) / MAD_OF_A_UNIT_NORMAL
    threshold = noise * np.sqrt(2 * np.log(samples))
    kept = [np.where(np.abs(detail) > threshold, detail, 0) for detail in details]
    denoised = pywt.waverec([approximation, *kept], wavelet, mode="per", axis=-1)
    return denoised[..., :samples].astype(signals.dtype, copy=False)
