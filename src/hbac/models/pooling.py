"""How feature maps become features: one value, or two, of each map.

All of it by layers and operations that Keras has, so that a file of the network asks for no code
of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import keras
from keras import layers, ops

from hbac.models.inputs import Pooling

START_EXPONENT = 3.0
"""Of the generalised mean: that of its authors."""

_LEAST_FEATURE = 1e-6

CENTRE_WEIGHT = 8.0
"""How fast attention starts to fall from the middle of the window: as a Gaussian whose standard
deviation is a quarter of half of it. Of 50 s, the middle 10 s get 58 %."""

POOLED = "pooled_features"


def _average(features: keras.KerasTensor) -> keras.KerasTensor:
    return layers.GlobalAveragePooling2D(name=POOLED)(features)


def _average_and_max(features: keras.KerasTensor) -> keras.KerasTensor:
    mean = layers.GlobalAveragePooling2D(name="average_features")(features)
    largest = layers.GlobalMaxPooling2D(name="largest_features")(features)
    return layers.Concatenate(name=POOLED)([mean, largest])


def _exponent(features: keras.KerasTensor) -> keras.KerasTensor:
    """A learnt exponent of 1 or more, the same for all windows and features, ``(batch, 1)``."""
    one = ops.ones_like(features[:, 0, 0, :1])
    beyond_average = layers.Dense(
        1,
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(math.sqrt(START_EXPONENT - 1)),
        dtype="float32",
        name="gem_exponent",
    )(one)
    return 1 + ops.square(beyond_average)


def _generalised_mean(features: keras.KerasTensor) -> keras.KerasTensor:
    """Generalised mean with a learnt exponent: 1 is the mean, and large ones the maximum.

    Radenovic, Tolias and Chum, Fine-tuning CNN Image Retrieval with No Human Annotation, 2018,
    arXiv:1711.02512. In logarithms, since powers of small features are none in 32 bits.
    """
    exponent = _exponent(features)
    positive = ops.maximum(ops.cast(features, "float32"), _LEAST_FEATURE)
    powers = ops.log(positive) * exponent[:, :, None, None]
    rows, columns = features.shape[1:3]
    mean = ops.logsumexp(powers, axis=(1, 2)) - math.log(rows * columns)
    return layers.Identity(name=POOLED)(ops.exp(mean / exponent))


def _distance_from_centre(features: keras.KerasTensor) -> keras.KerasTensor:
    """Squared distance from the middle column, 1 at both ends, ``(batch, rows, columns, 1)``."""
    columns = features.shape[2]
    places = ops.cumsum(ops.ones_like(features[..., :1]), axis=2)
    return ops.square((2 * places - 1 - columns) / columns)


def _centre_attention(features: keras.KerasTensor) -> keras.KerasTensor:
    """Mean over cells, weighted by what they hold and how near the middle of the window they are.

    Experts label the middle 10 s of a window, and look at the rest for what it says about them.
    Attention as in Ilse, Tomczak and Welling, Attention-based Deep Multiple Instance Learning,
    2018, arXiv:1802.04712, to whose scores the logarithm of a Gaussian is added; how wide that is,
    is learnt.
    """
    content = layers.Conv2D(1, 1, dtype="float32", name="attention_to_content")(features)
    start = keras.initializers.Constant(-CENTRE_WEIGHT)
    centre = layers.Conv2D(
        1, 1, use_bias=False, kernel_initializer=start, dtype="float32", name="attention_to_centre"
    )(_distance_from_centre(features))
    scores = layers.Add(dtype="float32", name="attention_scores")([content, centre])
    shares = layers.Softmax(axis=(1, 2), dtype="float32", name="attention")(scores)
    attended = layers.Multiply(dtype="float32", name="attended_features")([features, shares])
    return layers.Identity(name=POOLED)(ops.sum(attended, axis=(1, 2)))


_POOLINGS: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "average": _average,
    "average_and_max": _average_and_max,
    "gem": _generalised_mean,
    "centre_attention": _centre_attention,
}


def pool(features: keras.KerasTensor, pooling: Pooling) -> keras.KerasTensor:
    """Pool feature maps into the layer ``pooled_features``.

    Args:
        features: shape ``(batch, rows, columns, channels)``.
        pooling: ``average``; ``average_and_max``, beside each other; ``gem``, the generalised
            mean; or ``centre_attention``, for maps whose columns are the time of one window.

    Returns:
        Shape ``(batch, channels)``, twice as many for ``average_and_max``.

    Raises:
        ValueError: if there is no such pooling.
    """
    if pooling not in _POOLINGS:
        raise ValueError(f"pooling must be one of {get_args(Pooling)}, received {pooling!r}")
    return _POOLINGS[pooling](features)
