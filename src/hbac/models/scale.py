"""How large the EEG of a window is, whatever amplifier, montage or unit it came through."""

from __future__ import annotations

from typing import Any

import numpy as np

WINDOW_LIMIT = 12.0
"""Largest value either way of a window that was divided by its own scale."""

_BLOCK_SAMPLES = 100
"""About a second, so that a block holds a discharge as well as what lies between two."""

_DEVIATIONS_A_MEAN = np.sqrt(np.pi / 2).item()

_LEAST = 1e-3
"""0.02 microvolts: less is no EEG, and a window of nothing stays one."""


def _n_blocks(samples: int) -> int:
    most = max(1, samples // _BLOCK_SAMPLES)
    return next(n for n in range(most, 0, -1) if samples % n == 0)


def _median_of_positive(values: Any, ops: Any) -> Any:
    """Upper median of those that are not 0, shape ``(batch, n)`` to ``(batch, 1)``."""
    n = values.shape[1]
    n_zero = ops.sum(1 - ops.sign(values), axis=1, keepdims=True)
    middle = ops.floor((n + n_zero) / 2)
    chosen = ops.equal(ops.arange(n, dtype="float32"), middle)
    return ops.sum(ops.where(chosen, ops.sort(values, axis=1), 0.0), axis=1, keepdims=True)


def window_scale(waveforms: Any, ops: Any = np) -> Any:
    """Measure the scale of each window over all of its channels and samples that are there.

    It is a median of means (Nemirovsky and Yudin, Problem Complexity and Method Efficiency in
    Optimization, 1983): the median, over channels and blocks of about a second, of the mean
    absolute value. So it bears nearly half of all blocks being of electrodes that came loose or of
    movement, as a plain median does, of which the 16,000 values would have to be sorted; and it
    sees brief discharges, which a plain median does not.

    Args:
        waveforms: shape ``(batch, channels, samples)``, ``MISSING`` where nothing is known.
        ops: ``numpy`` for arrays, ``keras.ops`` for tensors.

    Returns:
        Shape ``(batch, 1, 1)``: of Gaussian noise the standard deviation, and never 0.
    """
    channels, samples = waveforms.shape[1:]
    n = _n_blocks(samples)
    blocks = ops.reshape(ops.abs(waveforms), (-1, channels * n, samples // n))
    live = ops.sum(ops.sign(blocks), axis=2)
    means = ops.sum(blocks, axis=2) / ops.maximum(live, 1.0)
    typical = _median_of_positive(means, ops)
    return ops.expand_dims(ops.maximum(_DEVIATIONS_A_MEAN * typical, _LEAST), 2)


def scaled_by_window(waveforms: Any, ops: Any = np) -> Any:
    """Divide each window by its scale; what is ``MISSING`` stays so.

    Args:
        waveforms: as ``window_scale`` takes them.
        ops: see there.

    Returns:
        The same shape, within ``WINDOW_LIMIT`` either way.
    """
    return ops.clip(waveforms / window_scale(waveforms, ops), -WINDOW_LIMIT, WINDOW_LIMIT)
