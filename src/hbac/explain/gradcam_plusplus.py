"""Grad-CAM++: gradients weighted by what each cell adds to the score."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.method import Method


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    slopes = gradients[-1]
    squared = slopes**2
    total = features[-1].sum(axis=(1, 2))[None, :, None, None]
    divisor = 2 * squared + total * squared * slopes
    shares = np.divide(squared, divisor, out=np.zeros_like(divisor), where=divisor != 0)
    counted = slopes if signed else np.maximum(slopes, 0)
    weights = np.einsum("cnhwk,cnhwk->cnk", shares, counted)
    maps = np.einsum("cnk,nhwk->nchw", weights, features[-1], optimize=True)
    return maps if signed else np.maximum(maps, 0)


gradcam_plusplus = Method("Grad-CAM++", _weigh)
"""As Grad-CAM, but the weight of a feature map is a weighted sum of its positive gradients, so that
a class that shows in several places is found in all of them (Chattopadhay, Sarkar, Howlader and
Balasubramanian, Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, WACV
2018, arXiv:1710.11063, eqs. 10 and 19). The exponential of the score, by which that paper scales
all of a map alike, is left out. Signed, negative gradients count as well."""
