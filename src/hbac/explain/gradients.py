"""Gradients of class scores, the one thing that Keras leaves to its backends."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

Arrays = list[np.ndarray]


def _with_tensorflow(stages: Sequence[keras.Model], first, direction) -> tuple[list, list]:
    import tensorflow as tf

    features = [first]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(first)
        for stage in stages[:-1]:
            features.append(stage(features[-1], training=False))
        scores = stages[-1](features[-1], training=False)
    return features, tape.gradient(scores, features, tf.constant(direction, scores.dtype))


def _with_jax(stages: Sequence[keras.Model], first, direction) -> tuple[list, list]:
    import jax

    # Nothing is added to inner feature maps, and they are differentiated by it.
    def forward(first, *added):
        features = [first]
        for stage, extra in zip(stages[:-1], added, strict=True):
            features.append(stage(features[-1], training=False) + extra)
        return stages[-1](features[-1], training=False), features

    shapes = jax.eval_shape(lambda x: forward(x, *[0.0] * (len(stages) - 1))[1], first)
    nothing = [jax.numpy.zeros(inner.shape, inner.dtype) for inner in shapes[1:]]
    scores, pull_back, features = jax.vjp(forward, first, *nothing, has_aux=True)
    return features, pull_back(direction.astype(scores.dtype))


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax}


def _direction(class_indices: np.ndarray, n_images: int, n_classes: int) -> np.ndarray:
    """Pick a score for every class asked for and image, shape ``(classes * n, n_classes)``."""
    shape = n_images, len(class_indices)
    return np.eye(n_classes, dtype=np.float32)[np.broadcast_to(class_indices.T, shape).T.ravel()]


def class_gradients(
    stages: Sequence[keras.Model], images: np.ndarray, class_indices: Sequence[int] | np.ndarray
) -> tuple[Arrays, Arrays]:
    """Run a network cut into stages, and differentiate its scores by what lies between them.

    The first stage runs once for all classes. The others run with a copy of its feature maps for
    each class, so that one backward pass serves all classes and layers: pass by pass, most of the
    time went into calling hundreds of operations. Nothing is traced or compiled as a whole, which
    for some hundreds of pictures costs more than it saves.

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
    classes, n = np.asarray(class_indices), len(images)
    first = stages[0](images, training=False)
    first = keras.ops.concatenate([first] * len(classes))
    direction = _direction(classes, n, stages[-1].output_shape[-1])
    features, gradients = (
        [keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in tensors]
        for tensors in _BACKENDS[backend](stages[1:], first, direction)
    )
    return (
        [layer[:n] for layer in features],
        [layer.reshape(len(classes), n, *layer.shape[1:]) for layer in gradients],
    )
