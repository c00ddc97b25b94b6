"""EfficientNet and EfficientNetV2 behind one picture of one channel, with the right input scale.

Tan and Le, EfficientNet, 2019, arXiv:1905.11946; EfficientNetV2, 2021, arXiv:2104.00298.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

from hbac.appearance import N_SHOWN, appearance

IMAGE_RANGE = (-2.0, 2.0)
"""Picture values that become 0 and 255. EEG panels lie within -1..1; regional ones, of standard
deviation 0.5, hardly ever leave the range."""

_IMAGENET_STDDEV = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class _Family:
    """One of Keras' networks.

    Attributes:
        application: what builds it.
        weights_url: where Keras finds its ImageNet weights without the top.
        rescaled: whether Keras, for ``weights="imagenet"`` alone, divides the normalised input
            by ``sqrt(stddev)`` once more (tensorflow/tensorflow#49930).
    """

    application: Callable[..., keras.Model]
    weights_url: str
    rescaled: bool


_BUCKET = "https://storage.googleapis.com"
_V1 = f"{_BUCKET}/keras-applications"
_V2 = f"{_BUCKET}/tensorflow/keras-applications/efficientnet_v2"
_FAMILIES = {
    "efficientnet_b0": _Family(
        keras.applications.EfficientNetB0, f"{_V1}/efficientnetb0_notop.h5", True
    ),
    "efficientnet_b2": _Family(
        keras.applications.EfficientNetB2, f"{_V1}/efficientnetb2_notop.h5", True
    ),
    "efficientnet_v2_s": _Family(
        keras.applications.EfficientNetV2S, f"{_V2}/efficientnetv2-s_notop.h5", False
    ),
}


def _pixels(picture: keras.KerasTensor) -> keras.KerasTensor:
    """Map the picture to the three channels of 0..255 that every EfficientNet expects."""
    low, high = IMAGE_RANGE
    scale = 255 / (high - low)
    pixels = layers.Rescaling(scale, offset=-low * scale, name="pixels")(picture)
    pixels = layers.ReLU(max_value=255.0, name="clipped_pixels")(pixels)
    return layers.Concatenate(name="rgb")([pixels] * 3)


def _with_downloaded_weights(family: _Family, pixels: keras.KerasTensor) -> keras.Model:
    """Build the network with the ImageNet weights that Keras keeps or downloads."""
    try:
        return family.application(include_top=False, weights="imagenet", input_tensor=pixels)
    # keras.utils.get_file raises nothing narrower.
    except Exception as error:
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras"), "models").expanduser()
        raise OSError(
            f"the ImageNet weights are not at hand ({error}); put {family.weights_url} into "
            f"{folder}, or set weights to the path of that file, or to null to train from scratch"
        ) from error


def _with_weights_file(family: _Family, pixels: keras.KerasTensor, path: str) -> keras.Model:
    """Build the network and load a copy of the file that Keras would download."""
    network = _with_random_weights(family, pixels)
    try:
        network.load_weights(path)
    except Exception as error:
        content = Path(path).read_bytes()
        raise ValueError(
            f"weights: {path} is not Keras' file of the ImageNet weights without the top; "
            + appearance(len(content), content[:N_SHOWN], error)
        ) from error
    if family.rescaled:
        # The stem has no bias, so its kernel can carry the scale.
        kernel = network.get_layer("stem_conv").kernel
        scale = 1 / np.sqrt(np.array(_IMAGENET_STDDEV, np.float32))
        kernel.assign(keras.ops.convert_to_numpy(kernel) * scale[:, None])
    return network


def _with_random_weights(family: _Family, pixels: keras.KerasTensor) -> keras.Model:
    return family.application(include_top=False, weights=None, input_tensor=pixels)


def efficientnet(name: str, picture: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Lay a network of the family over a picture, without its top.

    Args:
        name: ``efficientnet_b0``, ``efficientnet_b2`` or ``efficientnet_v2_s``.
        picture: shape ``(batch, height, width, 1)``, values about ``IMAGE_RANGE``.
        weights: ``None`` for random ones, ``imagenet``, or the path of Keras' file of those.

    Returns:
        Feature maps, shape ``(batch, rows, columns, channels)``.

    Raises:
        ValueError: if ``weights`` is neither of these, or the file is no such file.
        OSError: if the ImageNet weights can't be downloaded; the message says what to do.
    """
    family, pixels = _FAMILIES[name], _pixels(picture)
    if weights is None:
        return _with_random_weights(family, pixels).output
    if weights == "imagenet":
        return _with_downloaded_weights(family, pixels).output
    if not Path(weights).is_file():
        raise ValueError(f"weights must be null, imagenet or a file, received {weights!r}")
    return _with_weights_file(family, pixels, weights).output


efficientnet_b0 = partial(efficientnet, "efficientnet_b0")
efficientnet_b2 = partial(efficientnet, "efficientnet_b2")
efficientnet_v2_s = partial(efficientnet, "efficientnet_v2_s")
