"""LayerCAM: feature maps weighted cell by cell by the positive part of the gradient."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.hirescam import gradient_times_features
from hbac.explain.method import Method


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    maps = gradient_times_features(features[-1], np.maximum(gradients[-1], 0))
    return maps if signed else np.maximum(maps, 0, out=maps)


layercam = Method("LayerCAM", _weigh, resolutions=(-3,))
"""The sum of the layer's feature maps times the positive part of their own gradients, which keeps
early layers, whose gradients change sign from cell to cell, from cancelling out (Jiang, Zhang, Hou,
Cheng and Wei, LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, IEEE Trans.
Image Process. 30, 2021, eqs. 3 and 4). By itself it looks at the third resolution from the end,
where it has four times as many cells down and across as Grad-CAM. Signed, it is negative only where
features themselves are."""
