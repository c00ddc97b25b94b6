"""A small ConvNeXt, trained and explained by the project without a change to it.

Run it from the project's folder as you would run ``kedro run``:

  python docs/examples/new_architecture.py --params modeling.network.architecture=convnext

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, A ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545.
"""

from __future__ import annotations

import keras
from keras import layers

FILTERS = (32, 64, 128)
"""Of each resolution; the picture is scaled down by 4, and by 2 before each further one."""


def _block(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Look around in each feature map, then mix the features of each cell, beside a shortcut."""
    filters = features.shape[-1]
    inner = layers.DepthwiseConv2D(7, padding="same", name=f"{name}_around")(features)
    inner = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(inner)
    inner = layers.Dense(4 * filters, activation="gelu", name=f"{name}_wide")(inner)
    inner = layers.Dense(filters, name=f"{name}_narrow")(inner)
    return layers.Add(name=f"{name}_sum")([features, inner])


def convnext(picture: keras.KerasTensor, weights: str | None) -> keras.KerasTensor:
    """Three resolutions of one block each, without layer scale and stochastic depth.

    Args:
        picture: shape ``(batch, height, width, 1)``.
        weights: ``None``, since there are none to start from.

    Returns:
        Feature maps, shape ``(batch, height / 16, width / 16, 128)``.
    """
    features, stride = picture, 4
    for number, filters in enumerate(FILTERS, start=1):
        if number > 1:
            features = layers.LayerNormalization(epsilon=1e-6, name=f"norm{number}")(features)
        features = layers.Conv2D(filters, stride, strides=stride, name=f"shrink{number}")(features)
        features, stride = _block(features, f"block{number}"), 2
    return layers.LayerNormalization(epsilon=1e-6, name="features")(features)


if __name__ == "__main__":
    from hbac.__main__ import main
    from hbac.models import register_architecture

    register_architecture("convnext", convnext, sees="picture")
    main()
