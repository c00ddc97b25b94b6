"""Gradients of class scores, the one thing that Keras leaves to its backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import keras
import numpy as np

Arrays = list[np.ndarray]

Directions = Callable[[tuple[int, int]], np.ndarray]
"""From the scores' shape to the directions in which they are differentiated."""


def _towards(class_indices: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Directions ``(classes, *shape)`` that pick a column, or one a row, of the scores."""
    rows = np.broadcast_to(class_indices.T, (shape[0], len(class_indices))).T
    return np.eye(shape[1], dtype=np.float32)[rows]


def _as_arrays(tensors) -> Arrays:
    return [keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in tensors]


def _with_tensorflow(
    stages: Sequence[keras.Model], images: np.ndarray, directions: Directions
) -> tuple[Arrays, Arrays]:
    import tensorflow as tf

    features = [stages[0](images, training=False)]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(features[0])
        for stage in stages[1:-1]:
            features.append(stage(features[-1], training=False))
        scores = stages[-1](features[-1], training=False)
    by_class = [
        _as_arrays(tape.gradient(scores, features, tf.constant(direction, scores.dtype)))
        for direction in directions(scores.shape)
    ]
    return _as_arrays(features), [np.stack(layer) for layer in zip(*by_class, strict=True)]


def _with_jax(
    stages: Sequence[keras.Model], images: np.ndarray, directions: Directions
) -> tuple[Arrays, Arrays]:
    import jax

    first = stages[0](images, training=False)

    # Nothing added to inner feature maps is what their gradients are taken by.
    def forward(first, *added):
        features = [first]
        for stage, extra in zip(stages[1:-1], added, strict=True):
            features.append(stage(features[-1], training=False) + extra)
        return stages[-1](features[-1], training=False), features

    inner = jax.eval_shape(lambda x: forward(x, *[0.0] * (len(stages) - 2))[1], first)[1:]
    nothing = [jax.numpy.zeros(x.shape, x.dtype) for x in inner]
    scores, pull_back, features = jax.vjp(forward, first, *nothing, has_aux=True)
    by_class = [
        _as_arrays(pull_back(direction.astype(scores.dtype)))
        for direction in directions(scores.shape)
    ]
    return _as_arrays(features), [np.stack(layer) for layer in zip(*by_class, strict=True)]


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax}


def class_gradients(
    stages: Sequence[keras.Model], images: np.ndarray, class_indices: Sequence[int] | np.ndarray
) -> tuple[Arrays, Arrays]:
    """Run a network cut into stages, and differentiate its scores by what lies between them.

    One forward pass serves all layers and classes, and one backward pass a class all layers.
    Nothing is traced or compiled as a whole: for some hundreds of pictures that costs more than it
    saves.

    Args:
        stages: two or more, from images to feature maps ... to class scores ``(batch, classes)``,
            as ``hbac.explain.layers.cut_open`` makes them.
        images: what the first stage takes, shape ``(batch, ...)``.
        class_indices: which columns of the scores, shape ``(classes,)``; or for each image its
            own, shape ``(classes, batch)``.

    Returns:
        For each place between two stages its feature maps ``(batch, ...)``, and the gradients
        ``d score / d feature`` of each class ``(len(class_indices), batch, ...)``; float32.

    Raises:
        NotImplementedError: if Keras runs on another backend than TensorFlow or jax.
    """
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise NotImplementedError(
            f"gradients are there for {sorted(_BACKENDS)}, received the backend {backend!r}"
        )
    return _BACKENDS[backend](stages, images, partial(_towards, np.asarray(class_indices)))
