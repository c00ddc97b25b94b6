"""A deep network of the raw EEG with the blocks of EfficientNet, in time.

Tan and Le, EfficientNet, 2019, arXiv:1905.11946; EfficientNetV2, 2021, arXiv:2104.00298.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import keras
from keras import layers

from hbac.eeg.montage import CHAINS
from hbac.models.blocks import (
    activate,
    channels_of_chain,
    check_no_weights,
    convolve,
    join_rows,
)
from hbac.models.drop_path import drop_path

_STEM_FILTERS, _STEM_WIDTH, _STEM_STRIDE = 24, 15, 4
_EXPANSION = 4
_SQUEEZE = 4
_CHAIN_FILTERS, _ALL_FILTERS, _TOP_FILTERS = 80, 160, 256


@dataclass(frozen=True)
class _Stage:
    """Blocks of one resolution.

    Attributes:
        blocks: how many, of which the first halves the samples.
        filters: of each.
        width: of the convolution in time.
    """

    blocks: int
    filters: int
    width: int


_PARTS = {
    "channel": (_Stage(2, 24, 7), _Stage(2, 40, 7)),
    "chain": (_Stage(3, 80, 5), _Stage(3, 112, 5)),
    "all": (_Stage(3, 192, 5),),
}


def _squeeze_and_excite(features, filters: int, name: str):
    """Weigh the features of each row by what it holds over all of its time.

    Hu, Shen and Sun, Squeeze-and-Excitation Networks, 2018, arXiv:1709.01507; rows apart, so that
    no channel knows another before they are joined.
    """
    wide = features.shape[-1]
    mean = layers.AveragePooling2D((1, features.shape[2]), name=f"{name}_squeeze")(features)
    gate = layers.Conv2D(filters, 1, activation="swish", name=f"{name}_reduce")(mean)
    gate = layers.Conv2D(wide, 1, activation="sigmoid", name=f"{name}_expand")(gate)
    return layers.Multiply(name=f"{name}_excite")([features, gate])


def _wide(features, filters: int, width: int, name: str, *, stride: int):
    """Look along time with more features, each for itself unless samples are halved.

    Keras' depthwise convolution takes no stride in time alone, so that there the two are one, as
    in the first blocks of EfficientNetV2.
    """
    if stride > 1:
        return activate(convolve(features, filters, width, name, stride=stride), f"{name}_swish")
    features = activate(convolve(features, filters, 1, name), f"{name}_swish")
    features = layers.DepthwiseConv2D(
        (1, width), padding="same", use_bias=False, name=f"{name}_along"
    )(features)
    features = layers.BatchNormalization(name=f"{name}_along_bn")(features)
    return activate(features, f"{name}_along_swish")


def _block(features, stage: _Stage, name: str, *, stride: int, depth: float):
    """Inverted bottleneck: wide along time, weighed, and narrow again, with a way around it."""
    before = features.shape[-1]
    inner = _wide(features, before * _EXPANSION, stage.width, f"{name}_wide", stride=stride)
    inner = _squeeze_and_excite(inner, max(1, before // _SQUEEZE), name)
    inner = convolve(inner, stage.filters, 1, f"{name}_narrow")
    if stride > 1:
        return inner
    inner = drop_path(inner, depth, f"{name}_drop")
    return layers.Add(name=f"{name}_sum")([features, inner])


def _part(features, part: str, numbers: Iterator[int]):
    """The stages of one part of the network, each of which halves the samples."""
    n_blocks = sum(stage.blocks for stages in _PARTS.values() for stage in stages)
    for stage in _PARTS[part]:
        for place in range(stage.blocks):
            number = next(numbers)
            stride, depth = 1 if place else 2, number / n_blocks
            features = _block(features, stage, f"{part}{number}", stride=stride, depth=depth)
    return features


def efficientnet_1d(waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Inverted bottlenecks in time: of each channel, then of each chain, then of all chains.

    Channels share their filters until those of a chain are joined, and chains theirs until all
    are. The last features before that have a row a chain, which is what explanations look at.

    Args:
        waveform: shape ``(batch, channels, samples, 1)``; channels are a multiple of 4, those of
            a chain beside each other. Meant for 50 s at 100 or 200 Hz.
        weights: must be ``None``.

    Returns:
        Feature maps, shape ``(batch, 1, samples / 128, 256)``; those of
        ``chain_features`` before them have the four chains as rows and a column for 64 samples.
    """
    check_no_weights("efficientnet_1d", weights)
    numbers, channels = itertools.count(1), channels_of_chain(waveform)
    stem = convolve(waveform, _STEM_FILTERS, _STEM_WIDTH, "stem", stride=_STEM_STRIDE)
    features = _part(activate(stem, "stem_features"), "channel", numbers)
    features = _part(join_rows(features, channels, _CHAIN_FILTERS, "chain"), "chain", numbers)
    features = activate(features, "chain_features")
    features = _part(join_rows(features, len(CHAINS), _ALL_FILTERS, "all"), "all", numbers)
    return activate(convolve(features, _TOP_FILTERS, 1, "top"), "features")
