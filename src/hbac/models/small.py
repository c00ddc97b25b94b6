"""Networks small enough to train from scratch on a CPU: one sees pictures, one the raw EEG."""

from __future__ import annotations

import keras
from keras import layers

from hbac.models.blocks import channels_of_chain, check_no_weights, convolve, residual_block

_FILTERS = (16, 32, 64, 128)
_STEM_WIDTH = 15


def compact(picture: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Four convolutions of stride 2, each with batch normalisation.

    Args:
        picture: shape ``(batch, height, width, 1)``.
        weights: must be ``None``.

    Returns:
        Feature maps, shape ``(batch, height / 16, width / 16, 128)``.
    """
    check_no_weights("compact", weights)
    features = picture
    for number, filters in enumerate(_FILTERS, start=1):
        features = layers.Conv2D(
            filters, 3, strides=2, padding="same", use_bias=False, name=f"conv{number}"
        )(features)
        features = layers.BatchNormalization(name=f"bn{number}")(features)
        features = layers.Activation("relu", name=f"features{number}")(features)
    return features


def resnet_1d(waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """A residual network in time, the same for each of the bipolar channels of the EEG.

    Residual learning in one dimension as in Wang, Yan and Oates, Time Series Classification from
    Scratch with Deep Neural Networks, 2017, arXiv:1611.06455. One channel shares its filters with
    all others until the channels of each chain are joined; the chains stay apart up to the end.

    Args:
        waveform: shape ``(batch, channels, samples, 1)``; channels are a multiple of 4, those of
            a chain beside each other.
        weights: must be ``None``.

    Returns:
        Feature maps, shape ``(batch, 4 chains, samples / 128, 128)``.
    """
    check_no_weights("resnet_1d", weights)
    channels = channels_of_chain(waveform)
    features = convolve(waveform, _FILTERS[0], _STEM_WIDTH, "stem", stride=4)
    features = layers.Activation("relu", name="stem_features")(features)
    for number, filters in enumerate((*_FILTERS[:3], _FILTERS[2]), start=1):
        features = residual_block(features, filters, f"block{number}")
    features = layers.Conv2D(
        _FILTERS[3],
        (channels, 3),
        strides=(channels, 2),
        padding="same",
        use_bias=False,
        name="chains_conv",
    )(features)
    features = layers.BatchNormalization(name="chains_bn")(features)
    return layers.Activation("relu", name="chain_features")(features)
