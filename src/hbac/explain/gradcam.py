"""Grad-CAM: feature maps weighted by the mean gradient of the class."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.method import Method


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    weights = gradients[-1].mean(axis=(2, 3))
    maps = np.einsum("cnk,nhwk->nchw", weights, features[-1], optimize=True)
    return maps if signed else np.maximum(maps, 0)


gradcam = Method("Grad-CAM", _weigh)
"""The sum of the layer's feature maps, each weighted by the mean over cells of the gradient of the
class's score; what remains after ReLU speaks for the class (Selvaraju et al., Grad-CAM: Visual
Explanations from Deep Networks via Gradient-based Localization, ICCV 2017, arXiv:1610.02391, eqs. 1
and 2). On the last layer of a network that averages it and ends in one dense layer, gradients are
the same in every cell and this is HiResCAM; on earlier layers the mean may show a place that the
class never used."""
