"""Cleaning of EEG channels: clipping, mains notch and band-pass, the latter two of zero phase."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy

CLEANING = ("clip", "notch", "band_pass")
"""Keywords of ``clean``, which waveforms share with spectrograms."""

_NOTCH_QUALITY = 30
_BAND_PASS_ORDER = 4
# About as long as a high-pass at 0.5 Hz, the lowest that is usual, rings.
_EDGE_SECONDS = 2
# Slow waves down to 0.5 Hz come and go several times in it, so that their median is near 0.
_BASELINE_SECONDS = 5


def check_cleaning(
    *,
    sampling_rate: float,
    clip: float | None = None,
    notch: float | None = None,
    band_pass: tuple[float, float] | None = None,
) -> None:
    """Refuse settings of ``clean`` that make no sense.

    Raises:
        ValueError: see ``clean``.
    """
    nyquist = sampling_rate / 2
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be positive, in microvolts, received {clip}")
    if notch is not None and not 0 < notch < nyquist:
        raise ValueError(f"notch must lie between 0 and {nyquist:g} Hz, received {notch}")
    if band_pass is not None and not 0 < band_pass[0] < band_pass[1] < nyquist:
        raise ValueError(
            f"band_pass must be (low, high) with 0 < low < high < {nyquist:g} Hz, "
            f"received {tuple(band_pass)}"
        )


@lru_cache
def _sections(
    sampling_rate: float, notch: float | None, band_pass: tuple[float, float] | None
) -> np.ndarray:
    """Second-order sections of both filters in a row, shape ``(sections, 6)``."""
    sections = []
    if notch is not None:
        coefficients = scipy.signal.iirnotch(notch, _NOTCH_QUALITY, fs=sampling_rate)
        sections.append(np.concatenate(coefficients)[np.newaxis])
    if band_pass is not None:
        sections.append(
            scipy.signal.butter(
                _BAND_PASS_ORDER, band_pass, "bandpass", fs=sampling_rate, output="sos"
            )
        )
    return np.concatenate(sections)


def _lines_through_blocks(values: np.ndarray, samples: int) -> np.ndarray:
    """Straight lines through the middles of blocks ``(..., blocks)``, shape ``(..., samples)``."""
    blocks = values.shape[-1]
    if blocks == 1:
        return values
    place = (np.arange(samples) * blocks / samples - 0.5).astype(np.float32)
    left = np.clip(place.astype(int), 0, blocks - 2)
    slopes = np.diff(values, axis=-1)
    return values[..., left] + slopes[..., left] * (place - left.astype(np.float32))


def without_baseline(signals: np.ndarray, *, sampling_rate: float) -> np.ndarray:
    """Take the electrodes' offset and slow drift away, which may be thousands of times the EEG.

    The baseline runs in straight lines through the medians of blocks of 5 s. A high-pass would
    ring from an artefact as from a pattern; a median does not see it, and follows an electrode
    that jumps within seconds.

    Args:
        signals: shape ``(..., samples)``, no NaN.
        sampling_rate: samples a second.

    Returns:
        A new array of the same shape and dtype.
    """
    samples = signals.shape[-1]
    blocks = max(1, round(samples / (_BASELINE_SECONDS * sampling_rate)))
    edges = np.linspace(0, samples, blocks + 1).astype(int)
    blocks_of = (signals[..., first:last] for first, last in pairwise(edges))
    medians = np.stack([np.median(block, axis=-1) for block in blocks_of], axis=-1)
    return (signals - _lines_through_blocks(medians, samples)).astype(signals.dtype, copy=False)


def clean(
    signals: np.ndarray,
    *,
    sampling_rate: float,
    clip: float | None = None,
    notch: float | None = None,
    band_pass: tuple[float, float] | None = None,
) -> np.ndarray:
    """Clip, then filter, each channel; what is ``None`` is left out.

    What is clipped is the deviation from the channel's baseline, since an electrode's offset alone
    may lie beyond the limit; the baseline is then gone. Clipping comes before the filters, which
    would spread an artefact over seconds.

    Both filters run forwards and backwards (``scipy.signal.sosfiltfilt``), which doubles their
    attenuation in dB and leaves no delay. The ends are extended by odd reflection over 2 s.

    Args:
        signals: EEG in microvolts, shape ``(..., samples)``, no NaN.
        sampling_rate: samples a second.
        clip: largest deviation either way that is left, in microvolts; see ``without_baseline``.
        notch: mains frequency in Hz; the notch (``scipy.signal.iirnotch``) is 1/30 of it wide.
        band_pass: edges in Hz of a Butterworth filter of order 4.

    Returns:
        The same shape and dtype; the array itself where all is ``None``.

    Raises:
        ValueError: if ``clip`` is not positive, ``notch`` or ``band_pass`` do not lie between 0
            and half the sampling rate, or ``band_pass`` is not increasing.
    """
    check_cleaning(sampling_rate=sampling_rate, clip=clip, notch=notch, band_pass=band_pass)
    if clip is not None:
        signals = without_baseline(signals, sampling_rate=sampling_rate)
        np.clip(signals, -clip, clip, out=signals)
    if notch is None and band_pass is None:
        return signals
    sections = _sections(sampling_rate, notch, band_pass and tuple(band_pass))
    edge = min(round(_EDGE_SECONDS * sampling_rate), signals.shape[-1] - 1)
    filtered = scipy.signal.sosfiltfilt(sections, signals, padlen=edge)
    return filtered.astype(signals.dtype, copy=False)
