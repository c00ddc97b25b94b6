"""Networks of the raw EEG that read it as a sequence: step after step, or all steps at once.

Both begin with the same convolutions, and see all chains at each step.
"""

from __future__ import annotations

import keras
from keras import layers

from hbac.eeg.montage import CHAINS
from hbac.models.blocks import (
    activate,
    channels_of_chain,
    check_no_weights,
    convolve,
    join_rows,
    residual_block,
)
from hbac.models.drop_path import drop_path

_STEM_FILTERS, _STEM_WIDTH, _STEM_STRIDE = 16, 15, 4
_TIME_FILTERS = (32, 64, 64)
"""Of residual blocks, each of which halves the samples: at 100 Hz a step is 0.32 s in the end."""

_CHAIN_FILTERS, _WIDTH, _TOP_FILTERS = 64, 128, 192

_UNITS = 96
"""Of each direction of the recurrent layer."""

_HEADS, _BLOCKS = 4, 4
_EXPANSION = 4
_ALONG = 15
"""Steps that a convolution between attentions sees: 5 s at 100 Hz."""


def _steps(waveform: keras.KerasTensor, weights: str | None, name: str) -> keras.KerasTensor:
    """What all chains hold at each step, shape ``(batch, 1, steps, 128)``."""
    check_no_weights(name, weights)
    channels = channels_of_chain(waveform)
    features = convolve(waveform, _STEM_FILTERS, _STEM_WIDTH, "stem", stride=_STEM_STRIDE)
    features = layers.Activation("relu", name="stem_features")(features)
    for number, filters in enumerate(_TIME_FILTERS, start=1):
        features = residual_block(features, filters, f"block{number}")
    chains = join_rows(features, channels, _CHAIN_FILTERS, "chain")
    return join_rows(chains, len(CHAINS), _WIDTH, "all")


def _top(features: keras.KerasTensor) -> keras.KerasTensor:
    """Features of which, as of other networks, most are above 0 where they say something."""
    return activate(convolve(features, _TOP_FILTERS, 1, "top"), "features")


def gru_1d(waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """A residual network of each chain, and over all chains a recurrent layer both ways in time.

    Gated recurrent units: Cho et al., Learning Phrase Representations using RNN Encoder-Decoder,
    2014, arXiv:1406.1078.

    Args:
        waveform: shape ``(batch, channels, samples, 1)``; channels are a multiple of 4, those of
            a chain beside each other.
        weights: must be ``None``.

    Returns:
        Feature maps, shape ``(batch, 1, samples / 32, 192)``; those of ``chain_joined`` before
        them have the four chains as rows.
    """
    steps = _steps(waveform, weights, "gru_1d")
    sequence = layers.Reshape(steps.shape[2:], name="sequence")(steps)
    units = layers.GRU(_UNITS, return_sequences=True, name="recurrent")
    features = layers.Bidirectional(units, name="both_ways")(sequence)
    return _top(layers.Reshape((1, *features.shape[1:]), name="recurred")(features))


def _added(features, inner, depth: float, name: str):
    """Add a branch to what is led around it, and normalise the sum."""
    inner = drop_path(inner, depth, f"{name}_drop")
    total = layers.Add(name=f"{name}_sum")([features, inner])
    return layers.LayerNormalization(name=f"{name}_norm")(total)


def _attend(features, depth: float, name: str):
    """Each step looks at all others."""
    attention = layers.MultiHeadAttention(_HEADS, _WIDTH // _HEADS, name=f"{name}_attention")
    # Keras lets it run over any axes between the first and the last.
    return _added(features, attention(features, features), depth, f"{name}_attended")


def _feed_forward(features, depth: float, name: str):
    inner = layers.Dense(_EXPANSION * _WIDTH, activation="swish", name=f"{name}_wide")(features)
    inner = layers.Dense(_WIDTH, name=f"{name}_narrow")(inner)
    return _added(features, inner, depth, f"{name}_fed")


def _convolution(features, depth: float, name: str):
    """Look at the steps around each, feature by feature."""
    inner = layers.Dense(_WIDTH, activation="swish", name=f"{name}_before")(features)
    inner = layers.DepthwiseConv2D(
        (1, _ALONG), padding="same", use_bias=False, name=f"{name}_along"
    )(inner)
    inner = layers.BatchNormalization(name=f"{name}_bn")(inner)
    inner = layers.Activation("swish", name=f"{name}_swish")(inner)
    inner = layers.Dense(_WIDTH, name=f"{name}_after")(inner)
    return _added(features, inner, depth, f"{name}_convolved")


def squeezeformer_1d(waveform: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """A residual network of each chain, and over all chains attention and convolution by turns.

    The order of a block and the normalisation after each sum are those of Kim et al.,
    Squeezeformer, NeurIPS 2022, arXiv:2206.00888. There are no encodings of position beside what
    convolutions tell, and steps are not halved in the middle, since there are few.

    Args:
        waveform: as ``gru_1d`` takes it.
        weights: must be ``None``.

    Returns:
        Feature maps, of the shapes of those of ``gru_1d``.
    """
    features = _steps(waveform, weights, "squeezeformer_1d")
    for number in range(1, _BLOCKS + 1):
        depth, name = number / _BLOCKS, f"former{number}"
        features = _attend(features, depth, name)
        features = _feed_forward(features, depth, f"{name}_first")
        features = _convolution(features, depth, name)
        features = _feed_forward(features, depth, f"{name}_second")
    return _top(features)
