"""Networks of pictures over the raw EEG folded into one, which may start from ImageNet weights."""

from __future__ import annotations

from functools import partial

import keras
from keras import layers

from hbac.models.efficientnet import IMAGE_RANGE, efficientnet

FOLD = 8
"""Samples of a channel that stand above each other: 16 channels make 128 rows, of which each of the
four of an EfficientNet's last features sees mostly one chain."""

_HALFWAY = 4.0
"""Value that becomes half of what the largest does: 80 microvolts, or four deviations of a window
divided by its own scale. Less is nearly linear, and nothing is cut."""


def compressed(waveform: keras.KerasTensor) -> keras.KerasTensor:
    """Bring amplitudes within ``IMAGE_RANGE``: small ones as they are, large ones the less."""
    scaled = layers.Rescaling(1 / _HALFWAY, name="halfway")(waveform)
    compressed = layers.Activation("softsign", name="compressed")(scaled)
    return layers.Rescaling(IMAGE_RANGE[1], name="in_range")(compressed)


def fold(waveform: keras.KerasTensor) -> keras.KerasTensor:
    """Put each ``FOLD`` samples of a channel above each other.

    A column is then a moment of all channels, and a convolution of 3 x 3 sees three neighbouring
    samples of three such moments: what is slow and what is fast lie along axes of their own.

    Args:
        waveform: shape ``(batch, channels, samples, 1)``. Zeros are added at the end where ``FOLD``
            does not divide the samples.

    Returns:
        Shape ``(batch, channels * FOLD, ceil(samples / FOLD), 1)``.
    """
    channels, samples = waveform.shape[1:3]
    columns = -(-samples // FOLD)
    if columns * FOLD > samples:
        padding = ((0, 0), (0, columns * FOLD - samples))
        waveform = layers.ZeroPadding2D(padding, name="whole_columns")(waveform)
    moments = layers.Reshape((channels, columns, FOLD), name="moments")(waveform)
    rows = layers.Permute((1, 3, 2), name="rows_of_channels")(moments)
    return layers.Reshape((channels * FOLD, columns, 1), name="folded")(rows)


def folded(name: str, waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Lay an EfficientNet over folded EEG.

    Args:
        name: as ``efficientnet`` takes it.
        waveform: shape ``(batch, channels, samples, 1)``.
        weights: as ``efficientnet`` takes them.

    Returns:
        Feature maps, shape ``(batch, channels / 4, samples / 256, features)``, rounded up.

    Raises:
        ValueError: as ``efficientnet``.
        OSError: as ``efficientnet``.
    """
    return efficientnet(name, fold(compressed(waveform)), weights)


folded_efficientnet_b0 = partial(folded, "efficientnet_b0")
folded_efficientnet_b2 = partial(folded, "efficientnet_b2")
folded_efficientnet_v2_s = partial(folded, "efficientnet_v2_s")
