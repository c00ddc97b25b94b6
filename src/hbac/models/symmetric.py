"""A small network of the bipolar EEG to which left and right are alike."""

from __future__ import annotations

import keras
from keras import layers

from hbac.eeg.montage import CHAINS
from hbac.models.blocks import channels_of_chain, check_no_weights

STEM_FILTERS, STEM_WIDTH, STEM_STRIDE = 16, 15, 4
"""The stem keeps every fourth sample: at 100 Hz one in 40 ms."""

TIME_FILTERS, TIME_WIDTH = (24, 32, 48), 9
"""Convolutions in time, each of which halves the samples."""

CHAIN_FILTERS, CHAIN_WIDTH = 64, 5
"""Across the four channels of a chain."""

HEAD_FILTERS, HEAD_WIDTH = 96, 7
"""Over both hemispheres: at 100 Hz a step is 0.32 s, and what it sees 5.6 s long."""


def _block(features, filters: int, kernel: tuple[int, int], name: str, *, strides=(1, 1)):
    """Convolution, batch normalisation and rectifier, of which the last is named."""
    features = layers.Conv2D(
        filters, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(features)
    features = layers.BatchNormalization(name=f"{name}_bn")(features)
    return layers.Activation("relu", name=f"{name}_features")(features)


def _hemisphere(chains, side: str):
    """Mean of the two chains of a side, shape ``(batch, 1, steps, filters)``."""
    parts = []
    for place, chain in enumerate(CHAINS):
        if chain.startswith(side):
            rows = (place, len(CHAINS) - 1 - place)
            parts.append(layers.Cropping2D((rows, (0, 0)), name=chain)(chains))
    return layers.Average(name={"L": "left", "R": "right"}[side])(parts)


def _joined(chains):
    """Sum and absolute difference of the hemispheres, neither of which knows the sides.

    By layers that Keras has, so that a file of the network asks for no code of ours: the absolute
    difference is the larger less the smaller.
    """
    sides = [_hemisphere(chains, side) for side in "LR"]
    larger = layers.Maximum(name="larger_side")(sides)
    smaller = layers.Minimum(name="smaller_side")(sides)
    both = layers.Add(name="sum_of_sides")([larger, smaller])
    difference = layers.Subtract(name="difference_of_sides")([larger, smaller])
    return layers.Concatenate(name="sides")([both, difference])


def symmetric_1d(waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Convolutions in time shared by all channels, then by chains, then by hemispheres.

    What lies on the left says as much as what lies on the right: a window and its mirror image
    give the same features, so that nothing is learnt twice.

    Args:
        waveform: shape ``(batch, channels, samples, 1)``; channels are a multiple of 4, those of
            a chain beside each other.
        weights: must be ``None``.

    Returns:
        Feature maps, shape ``(batch, 1, samples / 32, 96)``; those of ``chains_features`` before
        them have the four chains as rows.
    """
    check_no_weights("symmetric_1d", weights)
    channels = channels_of_chain(waveform)
    features = _block(waveform, STEM_FILTERS, (1, STEM_WIDTH), "stem", strides=(1, STEM_STRIDE))
    for number, filters in enumerate(TIME_FILTERS, start=1):
        features = _block(features, filters, (1, TIME_WIDTH), f"time{number}", strides=(1, 2))
    kernel = channels, CHAIN_WIDTH
    chains = _block(features, CHAIN_FILTERS, kernel, "chains", strides=(channels, 1))
    return _block(_joined(chains), HEAD_FILTERS, (1, HEAD_WIDTH), "head")
