"""Fusion: what several layers agree on, at the resolution of the finest."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.hirescam import gradient_times_features
from hbac.explain.interpolation import repeat_cells
from hbac.explain.method import Method


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Scale each picture's maps by the largest value of any of its classes."""
    peaks = np.abs(maps).max(axis=(1, 2, 3), keepdims=True)
    return np.divide(maps, peaks, out=np.zeros_like(maps), where=peaks > 0)


def _agreed(layers: list[np.ndarray]) -> np.ndarray:
    """Geometric mean of what is positive, 0 where it is not so in every layer."""
    product = np.prod([np.maximum(maps, 0) for maps in layers], axis=0)
    return product ** np.float32(1 / len(layers))


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    size = features[0].shape[1:3]
    layers = [
        repeat_cells(_scaled(gradient_times_features(*layer)), size)
        for layer in zip(features, gradients, strict=True)
    ]
    evidence = _agreed(layers)
    return evidence - _agreed([-maps for maps in layers]) if signed else evidence


fusion = Method("Fusion", _weigh, resolutions=(-3, -2, -1))
"""The geometric mean of the HiResCAMs of the last three resolutions, each scaled by its largest
value over classes and enlarged to the finest. The last layer knows the class and hardly the
place, earlier ones the place and hardly the class; a cell counts where all say the same. Signed,
what all layers hold against a class is negative.

To multiply a coarse map with a fine one is the idea of Guided Grad-CAM (Selvaraju et al. 2017,
arXiv:1610.02391, section 3.4), to join layers that of LayerCAM (Jiang et al. 2021, section 3.4).
The geometric mean of HiResCAMs was chosen on planted evidence (benchmarks/RESULTS.md)."""
