"""Networks copied with all that they have learnt."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers


def cloned(
    model: keras.Model,
    clone_function: Callable[[keras.layers.Layer], keras.layers.Layer] | None = None,
) -> keras.Model:
    """Copy a network of one flat graph, not compiled, with its weights.

    Args:
        model: a network.
        clone_function: makes a new layer from each; by itself an equal one.
    """
    clone = keras.models.clone_model(model, clone_function=clone_function)
    clone.set_weights(model.get_weights())
    for layer in clone.layers:
        if isinstance(layer, layers.Normalization):
            # It computes with tensors that Keras makes of its weights only as it reads a file.
            layer.finalize_state()
    return clone
