"""The scores that are explained, of one network or of several that are added up."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from scipy.special import softmax

from hbac.explain.layers import SCORE_LAYER
from hbac.explain.tiles import Score


def pooled_logits(
    models: Sequence[keras.Model],
    *,
    weights: Sequence[float],
    bias: Sequence[float] | float = 0.0,
    batch_size: int,
    compiled: bool = False,
) -> Score:
    """Score pictures by a weighted sum of some networks' logits.

    Gradients are linear, so the same sum of their maps explains it.

    Args:
        models: networks with a layer ``logits`` that see the same pictures.
        weights: one a model.
        bias: added to the logits, one a class.
        batch_size: pictures at a time.
        compiled: trace the networks at the first call, which takes seconds and makes each picture
            three times as quick: for thousands of them.

    Returns:
        From pictures to logits, shape ``(n, 6)``.
    """
    heads = [keras.Model(model.inputs[0], model.get_layer(SCORE_LAYER).output) for model in models]

    def forward(head: keras.Model, batch: np.ndarray) -> np.ndarray:
        if not compiled:
            return keras.ops.convert_to_numpy(head(batch, training=False))
        # Every batch is as large as any other, so that one traced function serves them all.
        filled = np.resize(batch, (batch_size, *batch.shape[1:]))
        return head.predict_on_batch(filled)[: len(batch)]

    def score(pictures: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(pictures), batch_size):
            batch = np.asarray(pictures[start : start + batch_size], np.float32)
            logits = [forward(head, batch) for head in heads]
            parts.append(np.tensordot(weights, logits, axes=1) + np.asarray(bias))
        return np.concatenate(parts)

    return score


def probabilities(logits: Score) -> Score:
    """Score pictures by the softmax of their logits."""
    return lambda pictures: softmax(logits(pictures), axis=-1)
