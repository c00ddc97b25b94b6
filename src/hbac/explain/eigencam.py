"""EigenCAM: the first principal component of the feature maps, whatever the class."""

from __future__ import annotations

import numpy as np

from hbac.explain.gradients import Arrays
from hbac.explain.method import Method


def _first_component(features: np.ndarray) -> np.ndarray:
    """Project one picture's features, shape ``(h, w, k)``, on their first component."""
    cells = features.reshape(-1, features.shape[-1])
    centred = cells - cells.mean(axis=0)
    _, _, vectors = np.linalg.svd(centred, full_matrices=False)
    projected = centred @ vectors[0]
    # A component has no sign of its own: it is given that of the features' strength.
    strength = np.abs(cells).sum(axis=1)
    sign = 1 if projected @ (strength - strength.mean()) >= 0 else -1
    return (sign * projected).reshape(features.shape[:2])


def _weigh(features: Arrays, gradients: Arrays, signed: bool) -> np.ndarray:
    maps = np.stack([_first_component(picture) for picture in features[-1]])
    maps = np.repeat(maps[:, None], len(gradients[-1]), axis=1)
    return maps if signed else np.maximum(maps, 0)


eigencam = Method("EigenCAM", _weigh)
"""The feature maps projected on their first principal component over cells (Muhammad and Yeasin,
Eigen-CAM: Class Activation Map using Principal Components, IJCNN 2020, arXiv:2008.00299), centred
first, and turned so that strong features are positive. It knows nothing of classes: every class has
the same map, which says where the network looks and not what for."""
