"""How what is missing becomes what a network sees, and which windows hold nothing else."""

from __future__ import annotations

import numpy as np

from hbac.eeg.gaps import MISSING


def fill_missing(values: np.ndarray) -> np.ndarray:
    """Put ``MISSING`` in place of NaN, as the last step before a network's input is stored.

    Returns:
        The same shape and dtype; the array itself where there was no NaN.
    """
    missing = np.isnan(values)
    return np.where(missing, values.dtype.type(MISSING), values) if missing.any() else values


def holds_nothing(windows: np.ndarray) -> np.ndarray:
    """Tell which windows hold nothing but ``MISSING``.

    Args:
        windows: pictures or waveforms, shape ``(windows, height, width)``; of most of them one row
            alone is read.

    Returns:
        Shape ``(windows,)``, bool.
    """
    middle = windows.shape[1] // 2
    nothing = (windows[:, middle] == MISSING).all(axis=1)
    for row in np.flatnonzero(nothing):
        nothing[row] = (windows[row] == MISSING).all()
    return nothing
