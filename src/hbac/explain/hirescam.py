"""HiResCAM: feature maps weighted cell by cell by the gradient of the class."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.method import Method


def gradient_times_features(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Multiply cell by cell and sum over features, shape ``(n, c, h, w)``."""
    return np.einsum("cnhwk,nhwk->nchw", gradients, features)


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    maps = gradient_times_features(features[-1], gradients[-1])
    return maps if signed else np.maximum(maps, 0)


hirescam = Method("HiResCAM", _weigh)
"""The sum of the layer's feature maps times their own gradients, without any mean: in a network
that is linear after the layer, the sum over cells is the class's score up to its bias, so that a
cell's value is what it contributes (Draelos and Carin, Use HiResCAM instead of Grad-CAM for
faithful explanations of convolutional neural networks, 2020, arXiv:2011.08891)."""
