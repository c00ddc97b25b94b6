"""Whether maps depend on what the network has learnt: its weights are drawn anew, from the top.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim, Sanity Checks for Saliency Maps, NeurIPS 2018,
arXiv:1810.03292. A map that stays the same shows edges of the picture and not evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import layers
from scipy.stats import rankdata


def _learnt_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Layers with weights from the last to the first, but for the scaling of the input."""
    return [
        layer
        for layer in reversed(model.layers)
        if layer.weights and not isinstance(layer, layers.Normalization)
    ]


def _initializer(layer: keras.layers.Layer, weight: keras.Variable) -> Callable | None:
    """Find what made a weight; Keras names those of depthwise and pointwise kernels shorter."""
    names = (weight.name, weight.name.removesuffix("_kernel"), "depthwise")
    found = (getattr(layer, f"{name}_initializer", None) for name in names)
    return next((initializer for initializer in found if initializer), None)


def _redraw(layer: keras.layers.Layer, rng: np.random.Generator) -> None:
    """Give each weight a new value as before training, or shuffle it where none is known."""
    for weight in layer.weights:
        initializer = _initializer(layer, weight)
        if initializer is None:
            value = rng.permuted(keras.ops.convert_to_numpy(weight))
        else:
            config = initializer.get_config()
            if "seed" in config:
                # Keras' initializers keep their seed and would draw the same value again.
                config["seed"] = int(rng.integers(2**31))
            value = type(initializer).from_config(config)(weight.shape, dtype=weight.dtype)
        weight.assign(value)


def _stages(parts: list[keras.layers.Layer], steps: int | None) -> list[list[keras.layers.Layer]]:
    """Group layers into at most so many stages, of which the first is the top layer alone."""
    if steps is None or steps >= len(parts):
        return [[part] for part in parts]
    if steps == 1:
        return [parts]
    ends = np.linspace(1, len(parts), steps).round().astype(int)
    return [parts[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@contextmanager
def cascade(
    model: keras.Model, *, seed: int, steps: int | None = None
) -> Iterator[Iterator[tuple[str, keras.Model]]]:
    """Randomise a network's weights layer by layer, from the logits down to the first.

    Each weight is drawn anew by the initializer of its layer, or shuffled where the layer has
    none. What was randomised stays so in the next stage. A batch normalisation goes back to its
    state before training (scale and variance 1, offset and mean 0): the statistics of other
    weights would blow activations up. As the cascade runs from the top, a normalisation is reset
    before the kernel that feeds it, and no trained layer ever sees the output of a random one.
    The network is the given one, changed in place; on leaving, it has all its weights back::

        with cascade(model, seed=0) as stages:
            for layer, randomised in stages:
                ...

    Args:
        model: a network of one flat graph.
        seed: of the new weights.
        steps: group the layers into at most so many stages, of which the first is the last layer
            alone; ``None`` makes a stage of every layer with weights. The scaling of the input,
            ``keras.layers.Normalization``, is not learnt and stays.

    Yields:
        The stages: the name of the layer just randomised, the deepest of its stage, and the model.

    Raises:
        ValueError: if steps is below 1 or the model has no weights.
    """
    parts = _learnt_layers(model)
    if not parts or (steps is not None and steps < 1):
        raise ValueError(
            f"steps must be at least 1 and the model have weights, received {steps} and "
            f"{len(parts)} layers with weights"
        )
    rng, weights = np.random.default_rng(seed), model.get_weights()

    def randomise() -> Iterator[tuple[str, keras.Model]]:
        for stage in _stages(parts, steps):
            for layer in stage:
                _redraw(layer, rng)
            yield stage[-1].name, model

    try:
        yield randomise()
    finally:
        model.set_weights(weights)


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's correlation of two maps over their cells.

    Signed maps are compared with their signs, as they are given; ties share their mean rank.

    Args:
        maps: shape ``(..., rows, columns)``; of a network's own cells they cost far less time than
            enlarged to pixels, which tell no more.
        others: of the same shape.

    Returns:
        Shape ``(...)``, -1 to 1; 0 where one of the two maps is constant: it tells nothing of the
        other.

    Raises:
        ValueError: if the shapes differ.
    """
    if maps.shape != others.shape:
        raise ValueError(f"maps must be of one shape, received {maps.shape} and {others.shape}")
    first, second = (
        rankdata(values.reshape(*values.shape[:-2], -1), axis=-1) for values in (maps, others)
    )
    first, second = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (first, second))
    spread = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return (first * second).sum(axis=-1) / np.where(spread > 0, spread, 1)
