"""Shares of the six classes from a trained network, and from all networks of an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from hbac.models.batches import image_batches

Mirror = Callable[[np.ndarray], np.ndarray]
"""Swaps the hemispheres of a batch of windows."""


def _forward(model: keras.Model, batch: np.ndarray, mirror: Mirror | None) -> np.ndarray:
    shares = model.predict_on_batch(batch)
    if mirror is None:
        return shares
    return (shares + model.predict_on_batch(mirror(batch))) / 2


def predict(
    model: keras.Model,
    images: np.ndarray,
    rows: Sequence[int] | None = None,
    *,
    batch_size: int,
    mirror: Mirror | None = None,
) -> np.ndarray:
    """Predict the shares of the six classes.

    Every batch has ``batch_size`` windows, the last one filled up, so that any number of windows
    runs through one traced function.

    Args:
        model: a model from ``compiled_model``, ``build_model`` or a file of one.
        images: what the network sees, shape ``(windows, height, width)``; read batch by batch.
        rows: which windows, or ``None`` for all.
        batch_size: windows a batch.
        mirror: swaps the hemispheres; where given, the mean over a window and its mirror image is
            returned, at twice the cost.

    Returns:
        Shape ``(len(rows), 6)``, float32, rows sum to 1.

    Raises:
        ValueError: if there is no row or a picture is not finite.
    """
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    if not len(rows):
        raise ValueError("rows must not be empty")
    parts = [
        _forward(model, batch, mirror)
        for batch in image_batches(images, rows, batch_size=batch_size)
    ]
    return np.concatenate(parts)[: len(rows)]
