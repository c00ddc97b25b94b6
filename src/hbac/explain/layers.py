"""Which layers of a network can be looked at, and the network cut open at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import keras

SCORE_LAYER = "logits"
"""The layer whose output is explained: scores before the softmax."""


def _cutting_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers that every path from input to output runs through, inputs left out."""
    consumers: dict[int, int] = {}
    for position, layer in enumerate(model.layers[1:], start=1):
        for tensor in keras.tree.flatten(layer.input):
            consumers[id(tensor)] = position
    open_until = consumers.get(id(model.layers[0].output), 0)
    for position, layer in enumerate(model.layers[1:], start=1):
        if open_until <= position:
            yield layer
        open_until = max(open_until, consumers.get(id(layer.output), 0))


def _check_axes(model: keras.Model) -> None:
    """Refuse a network that was built under settings under which maps have other axes."""
    for layer in model.layers:
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise ValueError(
                f"layer {layer.name!r} of model {model.name!r} has its channels first, so that "
                "maps would be read over the wrong axes: build and train it with channels last"
            )


def _grid(layer: keras.layers.Layer) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:-1])


def feature_layers(model: keras.Model) -> dict[str, tuple[int, int]]:
    """List the layers that can be looked at, the deepest of each resolution.

    Args:
        model: a network of one flat graph, with convolutions.

    Returns:
        Layer names and the rows and columns of their cells, from fine to coarse.

    Raises:
        ValueError: if a layer has its channels first.
    """
    _check_axes(model)
    deepest: dict[tuple[int, ...], str] = {}
    convolved = False
    for layer in _cutting_layers(model):
        convolved = convolved or isinstance(layer, keras.layers.Conv2D)
        is_map = convolved and len(layer.output.shape) == 4
        if is_map and not isinstance(layer, keras.layers.ZeroPadding2D):
            deepest[_grid(layer)] = layer.name
    return {name: grid for grid, name in deepest.items()}


def last_feature_layer(model: keras.Model) -> str:
    """Name the layer whose feature maps are averaged into the classifier's input.

    Raises:
        ValueError: if the model has no feature maps, or a layer has its channels first.
    """
    names = list(feature_layers(model))
    if not names:
        raise ValueError(f"model {model.name!r} has no convolutional feature maps")
    return names[-1]


def _check_names(model: keras.Model, layers: Sequence[str]) -> None:
    names = [part.name for part in model.layers]
    for name in (*layers, SCORE_LAYER):
        if name not in names:
            raise ValueError(
                f"model {model.name!r} has no layer {name!r}; those to look at are "
                f"{feature_layers(model)}"
            )
    cutting = [part.name for part in _cutting_layers(model)]
    for name in layers:
        if name not in cutting or len(model.get_layer(name).output.shape) != 4:
            raise ValueError(
                f"the graph can't be cut at layer {name!r}: it makes no feature maps, or a path "
                f"leads around it; those to look at are {feature_layers(model)}"
            )


def cut_open(model: keras.Model, layers: Sequence[str]) -> list[keras.Model]:
    """Cut a flat graph at layers into stages that run one after another.

    Args:
        model: a network of one flat graph with a layer ``logits``.
        layers: one name or more, from the input to the output.

    Returns:
        ``len(layers) + 1`` stages: the first ends with the first layer's feature maps, the last
        with the logits.

    Raises:
        ValueError: if a layer is not in the model or has its channels first, or the graph can't
            be cut there.
    """
    _check_axes(model)
    _check_names(model, layers)
    ends = [model.inputs[0], *(model.get_layer(name).output for name in (*layers, SCORE_LAYER))]
    return [keras.Model(start, end) for start, end in pairwise(ends)]
