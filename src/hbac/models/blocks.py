"""Parts that networks share, most of them of the bipolar EEG."""

from __future__ import annotations

import keras
from keras import layers

from hbac.eeg.montage import CHAINS

_RESIDUAL_WIDTH, _JOIN_WIDTH = 7, 5


def check_no_weights(name: str, weights: str | None) -> None:
    """Refuse weights to start from for a network that has none.

    Raises:
        ValueError: if there are some.
    """
    if weights is not None:
        raise ValueError(f"architecture {name} has no ready weights, received {weights!r}")


def channels_of_chain(waveform: keras.KerasTensor) -> int:
    """Count the channels of a chain of bipolar EEG ``(batch, channels, samples, 1)``.

    Raises:
        ValueError: if the channels are not those of four chains.
    """
    channels = waveform.shape[1]
    if channels % len(CHAINS):
        raise ValueError(f"waveforms must have a multiple of 4 channels, received {channels}")
    return channels // len(CHAINS)


def convolve(
    features: keras.KerasTensor, filters: int, width: int, name: str, *, stride: int = 1
) -> keras.KerasTensor:
    """Convolve in time alone, each row by itself, and normalise over the batch.

    Args:
        features: shape ``(batch, rows, samples, channels)``.
        filters: channels of the result.
        width: samples that a filter sees.
        name: the layers' names begin with it.
        stride: samples for each of the result.
    """
    features = layers.Conv2D(
        filters,
        (1, width),
        strides=(1, stride),
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(features)
    return layers.BatchNormalization(name=f"{name}_bn")(features)


def residual_block(features: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Two convolutions in time around which the features are led, half as many samples out."""
    shortcut = layers.AveragePooling2D((1, 2), padding="same", name=f"{name}_halved")(features)
    shortcut = convolve(shortcut, filters, 1, f"{name}_shortcut")
    inner = convolve(features, filters, _RESIDUAL_WIDTH, f"{name}_first", stride=2)
    inner = layers.Activation("relu", name=f"{name}_first_relu")(inner)
    inner = convolve(inner, filters, _RESIDUAL_WIDTH, f"{name}_second")
    total = layers.Add(name=f"{name}_sum")([shortcut, inner])
    return layers.Activation("relu", name=f"{name}_features")(total)


def activate(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Rectify smoothly (swish), as all EfficientNets do."""
    return layers.Activation("swish", name=name)(features)


def join_rows(features: keras.KerasTensor, rows: int, filters: int, name: str) -> keras.KerasTensor:
    """Make one row of so many that lie beside each other, by a convolution over them and in time.

    Args:
        features: shape ``(batch, n * rows, samples, channels)``.
        rows: such as the channels of a chain.
        filters: channels of the result.
        name: the layers' names begin with it.

    Returns:
        Shape ``(batch, n, samples, filters)``.
    """
    features = layers.Conv2D(
        filters,
        (rows, _JOIN_WIDTH),
        strides=(rows, 1),
        padding="same",
        use_bias=False,
        name=f"{name}_join",
    )(features)
    features = layers.BatchNormalization(name=f"{name}_join_bn")(features)
    return activate(features, f"{name}_joined")
