"""Stochastic depth: whole branches of a residual network left out at random while it is trained.

Huang, Sun, Liu, Sedra and Weinberger, Deep Networks with Stochastic Depth, 2016, arXiv:1603.09382.
"""

from __future__ import annotations

import keras
from keras import layers

from hbac.models.clones import cloned

DROP_PATH = 0.2
"""Share of windows for which a branch at the end of a network is left out, as networks are built:
Keras' own, whose EfficientNets take no other."""

_ONE_A_WINDOW = (None, 1, 1, 1)


def drop_path(branch: keras.KerasTensor, depth: float, name: str) -> keras.KerasTensor:
    """Leave a branch out for some windows, before it is added to what is led around it.

    Args:
        branch: shape ``(batch, rows, columns, channels)``.
        depth: where it lies, from 0, which is never left out, to 1, left out the most often.
        name: of the layer.
    """
    return layers.Dropout(DROP_PATH * depth, noise_shape=_ONE_A_WINDOW, name=name)(branch)


def _is_drop_path(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, layers.Dropout) and layer.noise_shape == _ONE_A_WINDOW


def with_drop_path(model: keras.Model, share: float) -> keras.Model:
    """Change how often branches are left out.

    Args:
        model: a network as it was built, for ``DROP_PATH``.
        share: of windows for which a branch at the end is left out; those before it in proportion.
            0 leaves none out.

    Returns:
        The network with the same weights; itself where nothing changes.
    """
    if share == DROP_PATH or not any(map(_is_drop_path, model.layers)):
        return model

    def changed(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if _is_drop_path(layer):
            config["rate"] *= share / DROP_PATH
        return type(layer).from_config(config)

    # Keras makes the random state of such a layer with it, and none where nothing is left out.
    return cloned(model, changed)
