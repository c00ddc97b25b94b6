"""Statistics of batch normalisation, measured anew for the weights that are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
from keras import layers, ops


class _InTraining(keras.Model):
    """Runs a network as in training, but for its weights, and is traced once."""

    def __init__(self, network: keras.Model):
        super().__init__(name=f"{network.name}_in_training")
        self.network = network
        self.built = True
        self.compile(jit_compile=getattr(network, "jit_compile", "auto"))

    def call(self, images: Any) -> Any:
        """Predict, which leaves its mark on the statistics."""
        return self.network(images, training=True)


class _Kept:
    """A plain object, which Keras does not take for a layer of the network that it belongs to."""

    def __init__(self, model: keras.Model):
        self.model = model


def _in_training(network: keras.Model) -> keras.Model:
    if not hasattr(network, "in_training"):
        network.in_training = _Kept(_InTraining(network))
    return network.in_training.model


@contextlib.contextmanager
def _without_memory(normalisations: Sequence[layers.BatchNormalization]) -> Iterator[None]:
    """Let a batch's own statistics take the place of the moving ones."""
    momenta = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(normalisations, momenta, strict=True):
            layer.momentum = momentum


def recalibrate(model: keras.Model, batches: Iterable[Any]) -> None:
    """Replace the moving statistics of batch normalisation by their means over some batches.

    Moving statistics trail behind the weights, and never belonged to averaged ones (Izmailov et
    al., Averaging Weights Leads to Wider Optima, 2018, arXiv:1803.05407, section 3).

    Args:
        model: a network.
        batches: what it sees, each of shape ``(batch, height, width)``.
    """
    normalisations = [
        layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)
    ]
    statistics = [each for layer in normalisations for each in layer.non_trainable_variables]
    if not statistics:
        return
    runner, sums, n = _in_training(model), [0.0] * len(statistics), 0
    with _without_memory(normalisations):
        for batch in batches:
            runner.predict_on_batch(batch)
            # Added up where the network computes; nothing waits for them.
            added = zip(sums, statistics, strict=True)
            sums = [total + ops.convert_to_tensor(each) for total, each in added]
            n += 1
    for each, total in zip(statistics, sums, strict=True):
        each.assign(total / n)
