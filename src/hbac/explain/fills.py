"""What takes the place of removed evidence: pictures and EEG like those that the network knows.

A patch of one value is evidence of its own where no network has seen one in training (Hooker,
Erhan, Kindermans and Kim, A Benchmark for Interpretability Methods in Deep Neural Networks, NeurIPS
2019, arXiv:1806.10758), and says that the EEG is missing where one has. Here the question is:
what if the EEG were there and showed nothing?
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hbac.eeg.gaps import MISSING, bridge_gaps
from hbac.eeg.panel import Panel
from hbac.explain.tiles import Replace, panel_shape


def mean_spectrum(pictures: np.ndarray, panels: Sequence[Panel]) -> np.ndarray:
    """Average each frequency of each panel over windows and time.

    It has the level of an EEG, and nothing that happens at any moment. What is missing in a
    picture does not count.

    Args:
        pictures: of a data set, shape ``(n, height, width)``.
        panels: what makes up the picture.

    Returns:
        One picture, constant along time, shape ``(height, width)``, float32; ``MISSING`` in a
        panel that no picture has.
    """
    fill = np.empty(pictures.shape[1:], np.float32)
    for panel in panels:
        part = pictures[:, panel.rows, panel.columns]
        there = (part != MISSING).any(axis=1)
        total = part.sum(axis=(0, 2), dtype=float, where=there[:, np.newaxis])
        fill[panel.rows, panel.columns] = MISSING
        if there.any():
            fill[panel.rows, panel.columns] = (total / there.sum())[:, np.newaxis]
    return fill


def _blur(n: int, sigma: float) -> np.ndarray:
    """Weights of a Gaussian filter as a matrix: for wide filters much faster than sliding them."""
    return gaussian_filter1d(np.eye(n, dtype=np.float32), sigma, axis=0)


def blurred(pictures: np.ndarray, panels: Sequence[Panel], *, sigma: float) -> np.ndarray:
    """Blur each panel by itself; at its borders it is mirrored, so its mean stays.

    Args:
        pictures: shape ``(n, height, width)``.
        panels: what makes up the picture.
        sigma: standard deviation of the Gaussian, as a share of the panel's height and width.

    Returns:
        Shape ``(n, height, width)``, float32.

    Raises:
        ValueError: if sigma is not positive.
    """
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, received {sigma}")
    smooth = np.empty(pictures.shape, np.float32)
    for panel in panels:
        height, width = panel_shape(panel)
        part = np.asarray(pictures[:, panel.rows, panel.columns], np.float32)
        rows, columns = _blur(height, sigma * height), _blur(width, sigma * width)
        smooth[:, panel.rows, panel.columns] = rows @ part @ columns.T
    return smooth


def replace_by(pictures: np.ndarray, fill: np.ndarray) -> Replace:
    """Replace what pictures lose by the same pixels of a fill.

    Args:
        pictures: shape ``(n, height, width)``.
        fill: for all pictures, shape ``(height, width)``, or one each, ``(n, height, width)``.
    """
    fills = np.broadcast_to(fill, pictures.shape)

    def replace(numbers: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return np.where(pixels, fills[numbers], pictures[numbers])

    return replace


def interpolated(waveforms: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Draw a straight line in time across what each channel loses.

    Args:
        waveforms: shape ``(n, channels, samples)``.
        removed: which samples, booleans of that shape.

    Returns:
        The same shape, float32; ``MISSING``, which is 0, in a channel that is lost as a whole.
    """
    return bridge_gaps(np.where(removed, np.float32(np.nan), waveforms).astype(np.float32))


def replace_by_line(waveforms: np.ndarray) -> Replace:
    """Replace what waveforms lose by straight lines; see ``interpolated``.

    Args:
        waveforms: shape ``(n, channels, samples)``.
    """

    def replace(numbers: np.ndarray, samples: np.ndarray) -> np.ndarray:
        return interpolated(waveforms[numbers], samples)

    return replace
