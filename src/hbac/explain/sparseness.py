"""Whether a map points at few places or at all alike."""

from __future__ import annotations

import numpy as np


def _gini(values: np.ndarray) -> float:
    total = values.sum()
    if total == 0:
        return 0.0
    n = len(values)
    return float(np.sort(values) @ (2 * np.arange(1, n + 1) - n - 1) / (n * total))


def gini(maps: np.ndarray) -> np.ndarray:
    """Gini index of the absolute values of each map.

    Hurley and Rickard, Comparing Measures of Sparsity, IEEE Transactions on Information Theory
    55, 2009, arXiv:0811.4706; of attributions: Chalasani et al., Concise Explanations of Neural
    Networks using Adversarial Training, ICML 2020, arXiv:1810.06583.

    Args:
        maps: shape ``(..., height, width)``.

    Returns:
        Shape ``(...)``: 0 where all pixels are alike, those of a map of zeros, too, and
        ``1 - 1 / pixels`` where one holds everything.
    """
    flat = np.abs(np.asarray(maps, float)).reshape(-1, maps.shape[-2] * maps.shape[-1])
    return np.array([_gini(values) for values in flat]).reshape(maps.shape[:-2])
