"""Gradients of class scores, the one thing that Keras leaves to its backends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import keras
import numpy as np

from hbac.explain.layers import cut_open

Arrays = list[np.ndarray]

_Weights = list[tuple[list, list]]
"""Of each stage, what training changes and what it does not."""


def _call(stage: keras.Model, weights: tuple[list, list], inputs: Any) -> Any:
    """Run a stage with weights of another network of the same architecture."""
    outputs, _ = stage.stateless_call(*weights, inputs, training=False)
    return outputs


def _record_with_tensorflow(
    stages: Sequence[keras.Model], weights: _Weights, images: Any, directions: Any
) -> tuple[list, list]:
    import tensorflow as tf

    features = [_call(stages[0], weights[0], images)]
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
        tape.watch(features[0])
        for stage, of_stage in zip(stages[1:-1], weights[1:-1], strict=True):
            features.append(_call(stage, of_stage, features[-1]))
        scores = _call(stages[-1], weights[-1], features[-1])
    directions = tf.unstack(tf.cast(directions, scores.dtype))
    each = [tape.gradient(scores, features, direction) for direction in directions]
    return features, [tf.stack(of_layer) for of_layer in zip(*each, strict=True)]


@lru_cache(maxsize=8)
def _traced_by_tensorflow(network: ClassGradients, n_asked: int) -> Callable:
    """Trace what is the same for all networks of an architecture, such as those of folds.

    A graph leaves out gradients by weights, which convolutions otherwise compute unasked.
    """
    import tensorflow as tf

    stages = network.stages
    signature = [
        tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), network.weights),
        tf.TensorSpec(stages[0].input_shape, tf.float32),
        tf.TensorSpec((n_asked, *stages[-1].output_shape), tf.float32),
    ]
    record = partial(_record_with_tensorflow, stages)
    return tf.function(record, input_signature=signature, autograph=False)


def _with_tensorflow(network: ClassGradients, images, directions) -> tuple[list, list]:
    return _traced_by_tensorflow(network, len(directions))(network.weights, images, directions)


def _with_jax(network: ClassGradients, images, directions) -> tuple[list, list]:
    import jax

    stages = network.stages

    # Nothing is added to inner feature maps, and they are differentiated by it.
    def forward(first, *added):
        features = [first]
        for stage, extra in zip(stages[1:-1], added, strict=True):
            features.append(stage(features[-1], training=False) + extra)
        return stages[-1](features[-1], training=False), features

    first = stages[0](images, training=False)
    shapes = jax.eval_shape(lambda x: forward(x, *[0.0] * (len(stages) - 2))[1], first)
    nothing = [jax.numpy.zeros(inner.shape, inner.dtype) for inner in shapes[1:]]
    scores, pull_back, features = jax.vjp(forward, first, *nothing, has_aux=True)
    return features, jax.vmap(pull_back)(directions.astype(scores.dtype))


_BACKENDS = {"tensorflow": _with_tensorflow, "jax": _with_jax}


def _directions(class_indices: np.ndarray, n_images: int, n_classes: int) -> np.ndarray:
    """Pick a score for every class asked for and image, shape ``(classes, n, n_classes)``."""
    shape = n_images, len(class_indices)
    return np.eye(n_classes, dtype=np.float32)[np.broadcast_to(class_indices.T, shape).T]


def _architecture(model: keras.Model) -> str:
    """Describe all of a network but its weights, and the numbers that Keras counts layers by."""
    config = keras.saving.serialize_keras_object(model)["config"] | {"name": None}
    names = {
        json.dumps(layer.name): json.dumps(f"{re.sub(r'_[0-9]+$', '', layer.name)} {place}")
        for place, layer in enumerate(model.layers)
    }
    return re.sub(r'"[^"]*"', lambda found: names.get(found[0], found[0]), json.dumps(config))


class ClassGradients:
    """A network cut into stages, whose scores are differentiated by what lies between them.

    A batch of images runs through it once, and back once for every class. TensorFlow traces this
    at the first batch, which takes seconds, and serves all networks that differ in nothing but
    weights with it.

    Args:
        model: a network of one flat graph with a layer ``logits``.
        layers: where it is cut, one name or more, from the input to the output; see
            ``hbac.explain.layers.cut_open``.

    Raises:
        ValueError: if the graph can't be cut at a layer.
        NotImplementedError: if Keras runs on another backend than TensorFlow or jax.
    """

    def __init__(self, model: keras.Model, layers: Sequence[str]):
        backend = keras.backend.backend()
        if backend not in _BACKENDS:
            raise NotImplementedError(
                f"gradients are there for {sorted(_BACKENDS)}, received the backend {backend!r}"
            )
        self.stages = cut_open(model, layers)
        places = [layer.name for layer in model.layers]
        self._graph = _architecture(model), tuple(places.index(name) for name in layers)
        self._run = _BACKENDS[backend]

    @property
    def weights(self) -> _Weights:
        """Of each stage, as they are now."""
        return [
            tuple(
                [keras.ops.convert_to_tensor(weight) for weight in weights]
                for weights in (stage.trainable_variables, stage.non_trainable_variables)
            )
            for stage in self.stages
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassGradients) and self._graph == other._graph

    def __hash__(self) -> int:
        return hash(self._graph)

    def __call__(
        self, images: np.ndarray, class_indices: Sequence[int] | np.ndarray
    ) -> tuple[Arrays, Arrays]:
        """Differentiate the scores of some classes.

        Args:
            images: what the network takes, shape ``(batch, ...)``.
            class_indices: which columns of the scores, shape ``(classes,)``; or for each image
                its own, shape ``(classes, batch)``.

        Returns:
            For each place between two stages its feature maps ``(batch, ...)``, and the gradients
            ``d score / d feature`` of each class ``(classes, batch, ...)``; float32.
        """
        n_scores = self.stages[-1].output_shape[-1]
        directions = _directions(np.asarray(class_indices), len(images), n_scores)
        features, gradients = self._run(self, images, directions)
        return tuple(
            [keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in tensors]
            for tensors in (features, gradients)
        )
