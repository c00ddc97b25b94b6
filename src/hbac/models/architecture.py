"""The networks by name: one window in, the shares of the six classes out."""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import Iterator
from typing import Literal

import keras
from keras import layers

from hbac.eeg.votes import CLASSES
from hbac.models.device import resolve_precision
from hbac.models.inputs import ARCHITECTURES, Build
from hbac.models.scale import scaled_by_window

Pooling = Literal["average", "average_and_max"]

InputScale = Literal["fixed", "window"]


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    """Build layers under a policy; keras.applications takes none as an argument."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(resolve_precision(precision))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def builder_of(architecture: str) -> Build:
    """Return what builds a network.

    Raises:
        ValueError: if there is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"architecture must be one of {sorted(ARCHITECTURES)}, received {architecture!r}"
        )
    build = ARCHITECTURES[architecture]
    return pkgutil.resolve_name(build) if isinstance(build, str) else build


def _pool(features: keras.KerasTensor, pooling: Pooling) -> keras.KerasTensor:
    """One value a feature, or its mean and its maximum beside each other."""
    if pooling == "average":
        return layers.GlobalAveragePooling2D(name="pooled_features")(features)
    mean = layers.GlobalAveragePooling2D(name="average_features")(features)
    largest = layers.GlobalMaxPooling2D(name="largest_features")(features)
    return layers.Concatenate(name="pooled_features")([mean, largest])


def _build(architecture, image_size, weights, dropout, pooling, input_scale) -> keras.Model:
    build = builder_of(architecture)
    image = keras.Input(image_size, name="image", dtype="float32")
    seen = scaled_by_window(image, keras.ops) if input_scale == "window" else image
    picture = layers.Reshape((*image_size, 1), name="picture")(seen)
    features = build(picture, weights)
    pooled = _pool(features, pooling)
    pooled = layers.Dropout(dropout, name="dropout")(pooled)
    logits = layers.Dense(len(CLASSES), dtype="float32", name="logits")(pooled)
    shares = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    return keras.Model(image, shares, name=architecture)


def build_model(
    *,
    architecture: str = "efficientnet_b0",
    image_size: tuple[int, int],
    weights: str | None = None,
    dropout: float = 0.0,
    pooling: Pooling = "average",
    input_scale: InputScale = "fixed",
    batch_norm_momentum: float = 0.99,
    precision: str = "float32",
) -> keras.Model:
    """Build a network from one window to six shares, as one flat graph.

    The input ``image`` has shape ``(batch, height, width)``: pictures as ``build_image`` makes
    them, or bipolar EEG of shape ``(batch, channels, samples)``. The feature maps are pooled,
    and a dense layer ``logits`` and a softmax ``probabilities`` follow. Random weights come from
    Keras' global seed (``keras.utils.set_random_seed``).

    Args:
        architecture: a name in ``ARCHITECTURES``.
        image_size: height and width of the picture in pixels, or channels and samples.
        weights: ``None`` for random weights; for EfficientNet also ``imagenet``, which Keras
            downloads once, or the path of a copy of that file.
        dropout: share of the pooled features dropped in training, 0 to 1.
        pooling: each feature's ``average`` over its map, or beside it its maximum,
            ``average_and_max``, which a pattern of one second in ten does not dilute.
        input_scale: ``fixed`` takes windows as they are; ``window`` begins with the division of
            each by its own scale (``hbac.models.scale``), so that no amplifier's gain matters.
        batch_norm_momentum: how much of the moving statistics stays after each step, 0 to 1.
            After n steps a share of momentum ** n still is their starting value, so few steps
            from scratch need one well below Keras' 0.99.
        precision: Keras' dtype policy, ``float32``, ``mixed_bfloat16`` or ``mixed_float16``
            (computation in 16 bits, variables and the last two layers in 32), or ``auto``; see
            ``resolve_precision``.

    Returns:
        A Keras model with output shape ``(batch, 6)``, float32, in the order of ``CLASSES``.

    Raises:
        ValueError: if the architecture is unknown or there are no such weights for it.
        OSError: if the ImageNet weights can't be downloaded; the message says what to do.
    """
    with _dtype_policy(precision):
        model = _build(architecture, image_size, weights, dropout, pooling, input_scale)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = batch_norm_momentum
    return model
