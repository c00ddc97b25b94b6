"""Gradients of class scores, the one thing that Keras leaves to its backends."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np


def _with_tensorflow(
    head: keras.Model, activations: np.ndarray, class_indices: Sequence[int]
) -> np.ndarray:
    import tensorflow as tf

    activations = tf.convert_to_tensor(activations)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(activations)
        scores = head(activations, training=False)
        chosen = [scores[:, index] for index in class_indices]
    return np.stack([tape.gradient(score, activations).numpy() for score in chosen])


def _with_jax(
    head: keras.Model, activations: np.ndarray, class_indices: Sequence[int]
) -> np.ndarray:
    import jax

    scores, pull_back = jax.vjp(lambda inputs: head(inputs, training=False), activations)
    directions = np.zeros((len(class_indices), *scores.shape), scores.dtype)
    for direction, index in zip(directions, class_indices, strict=True):
        direction[:, index] = 1
    return np.stack([np.asarray(pull_back(direction)[0]) for direction in directions])


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax}


def class_gradients(
    head: keras.Model, activations: np.ndarray, class_indices: Sequence[int]
) -> np.ndarray:
    """Differentiate class scores with respect to a network's inner activations.

    The forward pass runs once for all classes, and nothing is traced or compiled as a whole:
    for some tens of pictures that costs more than it saves.

    Args:
        head: from activations to class scores, shape ``(batch, classes)``.
        activations: shape ``(batch, ...)``, float32.
        class_indices: which columns of the scores.

    Returns:
        ``d score / d activation``, shape ``(len(class_indices), batch, ...)``.

    Raises:
        NotImplementedError: if Keras runs on another backend than TensorFlow or jax.
    """
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise NotImplementedError(
            f"gradients are there for {sorted(_BACKENDS)}, received the backend {backend!r}"
        )
    return _BACKENDS[backend](head, np.asarray(activations), tuple(class_indices))
