"""The networks by name: one picture in, the shares of the six classes out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from hbac.eeg.votes import CLASSES

IMAGE_RANGE = (-2.0, 2.0)
"""Picture values that become 0 and 255 for EfficientNet. EEG panels lie within -1..1; regional
ones, of standard deviation 0.5, hardly ever leave the range."""

_COMPACT_FILTERS = (16, 32, 64, 128)
_IMAGENET_STDDEV = (0.229, 0.224, 0.225)
_IMAGENET_URL = "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5"


def _pixels(picture: keras.KerasTensor) -> keras.KerasTensor:
    """Map the picture to the three channels of 0..255 that EfficientNet expects."""
    low, high = IMAGE_RANGE
    scale = 255 / (high - low)
    pixels = layers.Rescaling(scale, offset=-low * scale, name="pixels")(picture)
    pixels = layers.ReLU(max_value=255.0, name="clipped_pixels")(pixels)
    return layers.Concatenate(name="rgb")([pixels] * 3)


def _with_downloaded_weights(pixels: keras.KerasTensor) -> keras.Model:
    """Build EfficientNetB0 with the ImageNet weights that Keras keeps or downloads."""
    try:
        return keras.applications.EfficientNetB0(
            include_top=False, weights="imagenet", input_tensor=pixels
        )
    # keras.utils.get_file raises nothing narrower.
    except Exception as error:
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras"), "models").expanduser()
        raise OSError(
            f"the ImageNet weights are not at hand ({error}); put {_IMAGENET_URL} into {folder}, "
            "or set weights to the path of that file, or to null to train from scratch"
        ) from error


def _with_weights_file(pixels: keras.KerasTensor, path: str) -> keras.Model:
    """Build EfficientNetB0 and load a copy of the file that Keras would download."""
    network = _with_random_weights(pixels)
    network.load_weights(path)
    # For weights="imagenet" alone, Keras divides the normalised input by sqrt(stddev) once more
    # (tensorflow/tensorflow#49930). The stem has no bias, so its kernel can carry the scale.
    kernel = network.get_layer("stem_conv").kernel
    scale = 1 / np.sqrt(np.array(_IMAGENET_STDDEV, np.float32))
    kernel.assign(keras.ops.convert_to_numpy(kernel) * scale[:, None])
    return network


def _with_random_weights(pixels: keras.KerasTensor) -> keras.Model:
    return keras.applications.EfficientNetB0(include_top=False, weights=None, input_tensor=pixels)


def _efficientnet_b0(picture: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """EfficientNetB0 without its top (Tan and Le 2019, arXiv:1905.11946)."""
    pixels = _pixels(picture)
    if weights is None:
        return _with_random_weights(pixels).output
    if weights == "imagenet":
        return _with_downloaded_weights(pixels).output
    if not Path(weights).is_file():
        raise ValueError(f"weights must be null, imagenet or a file, received {weights!r}")
    return _with_weights_file(pixels, weights).output


def _compact(picture: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Four convolutions of stride 2: a network that trains within seconds on a CPU."""
    if weights is not None:
        raise ValueError(f"architecture compact has no ready weights, received {weights!r}")
    features = picture
    for number, filters in enumerate(_COMPACT_FILTERS, start=1):
        features = layers.Conv2D(
            filters, 3, strides=2, padding="same", use_bias=False, name=f"conv{number}"
        )(features)
        features = layers.BatchNormalization(name=f"bn{number}")(features)
        features = layers.Activation("relu", name=f"features{number}")(features)
    return features


ARCHITECTURES: dict[str, Callable[[keras.KerasTensor, str | None], keras.KerasTensor]] = {
    "efficientnet_b0": _efficientnet_b0,
    "compact": _compact,
}
"""From the picture, shape ``(batch, height, width, 1)``, and the weights to feature maps."""


def build_model(
    *,
    architecture: str = "efficientnet_b0",
    image_size: tuple[int, int],
    weights: str | None = None,
    dropout: float = 0.0,
    batch_norm_momentum: float = 0.99,
) -> keras.Model:
    """Build a network from the picture to six shares, as one flat graph.

    The input ``image`` has shape ``(batch, height, width)``: pictures as ``build_image`` makes
    them. The feature maps are averaged, and a dense layer ``logits`` and a softmax
    ``probabilities`` follow. Random weights come from Keras' global seed
    (``keras.utils.set_random_seed``).

    Args:
        architecture: a name in ``ARCHITECTURES``.
        image_size: height and width of the picture in pixels.
        weights: ``None`` for random weights; for EfficientNet also ``imagenet``, which Keras
            downloads once, or the path of a copy of that file.
        dropout: share of the averaged features dropped in training, 0 to 1.
        batch_norm_momentum: how much of the moving statistics stays after each step, 0 to 1.
            After n steps a share of momentum ** n still is their starting value, so few steps
            from scratch need one well below Keras' 0.99.

    Returns:
        A Keras model with output shape ``(batch, 6)``, float32, in the order of ``CLASSES``.

    Raises:
        ValueError: if the architecture is unknown or there are no such weights for it.
        OSError: if the ImageNet weights can't be downloaded; the message says what to do.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"architecture must be one of {sorted(ARCHITECTURES)}, received {architecture!r}"
        )
    image = keras.Input(image_size, name="image")
    picture = layers.Reshape((*image_size, 1), name="picture")(image)
    features = ARCHITECTURES[architecture](picture, weights)
    pooled = layers.GlobalAveragePooling2D(name="pooled_features")(features)
    pooled = layers.Dropout(dropout, name="dropout")(pooled)
    logits = layers.Dense(len(CLASSES), name="logits")(pooled)
    shares = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    model = keras.Model(image, shares, name=architecture)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = batch_norm_momentum
    return model
