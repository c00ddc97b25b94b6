"""Grad-CAM: which cells of a feature layer speak for a class (Selvaraju et al. 2017).

Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
arXiv:1610.02391.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from hbac.eeg.votes import CLASSES
from hbac.explain.gradients import class_gradients

SCORE_LAYER = "logits"


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


def _grid(layer: keras.layers.Layer) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:-1])


def feature_layers(model: keras.Model) -> dict[str, tuple[int, int]]:
    """List the layers that Grad-CAM can look at, the deepest of each resolution.

    Args:
        model: a network of one flat graph, with convolutions.

    Returns:
        Layer names and the rows and columns of their cells, from fine to coarse.
    """
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
        ValueError: if the model has no feature maps.
    """
    names = list(feature_layers(model))
    if not names:
        raise ValueError(f"model {model.name!r} has no convolutional feature maps")
    return names[-1]


def _split(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Cut a flat graph into the part up to a layer and the part from there to the scores."""
    names = [part.name for part in model.layers]
    for name in (layer, SCORE_LAYER):
        if name not in names:
            raise ValueError(
                f"model {model.name!r} has no layer {name!r}; those to look at are "
                f"{feature_layers(model)}"
            )
    cut = model.get_layer(layer)
    if cut not in list(_cutting_layers(model)) or len(cut.output.shape) != 4:
        raise ValueError(
            f"the graph can't be cut at layer {layer!r}: it makes no feature maps, or a path "
            f"leads around it; those to look at are {feature_layers(model)}"
        )
    features = keras.Model(model.inputs[0], cut.output)
    return features, keras.Model(cut.output, model.get_layer(SCORE_LAYER).output)


def _batch_maps(
    features: keras.Model, head: keras.Model, images: np.ndarray, class_indices: Sequence[int]
) -> np.ndarray:
    """Weight the feature maps of one batch by each class's mean gradient, negative parts kept."""
    activations = keras.ops.convert_to_numpy(features(images, training=False))
    gradients = class_gradients(head, activations, class_indices)
    weights = gradients.mean(axis=(2, 3))
    return np.einsum("cnk,nhwk->nchw", weights, activations, optimize=True)


def _check(model: keras.Model, images: np.ndarray, class_indices: Sequence[int]) -> None:
    height, width = model.input_shape[1:]
    if images.ndim != 3 or images.shape[1:] != (height, width):
        raise ValueError(
            f"images must have shape (windows, {height}, {width}), received {images.shape}"
        )
    if not len(images) or not len(class_indices):
        raise ValueError(
            f"at least one image and one class are needed, received {len(images)} and "
            f"{len(class_indices)}"
        )
    n_classes = model.output_shape[-1]
    bad = [index for index in class_indices if not 0 <= index < n_classes]
    if bad:
        raise ValueError(f"class indices must be within 0..{n_classes - 1}, received {bad[0]}")


def gradcam(
    model: keras.Model,
    images: np.ndarray,
    *,
    class_indices: Sequence[int] = range(len(CLASSES)),
    layer: str | None = None,
    signed: bool = False,
    batch_size: int = 16,
) -> np.ndarray:
    """Map the evidence for each class over the cells of a feature layer.

    A class's map is the sum of the layer's feature maps, each weighted by the mean gradient of
    the class's score before the softmax; what remains after ReLU speaks for the class
    (Selvaraju et al. 2017, eqs. 1 and 2). Maps are not normalised, so they compare across classes
    and pictures.

    Args:
        model: a network of one flat graph with a layer ``logits``, as ``build_model`` makes it.
        images: pictures, shape ``(windows, height, width)``.
        class_indices: which classes, in the order of ``CLASSES``.
        layer: name of the layer, or ``None`` for the last feature maps; ``feature_layers`` lists
            others of finer cells.
        signed: keep what speaks against a class, too, as negative values.
        batch_size: pictures at a time.

    Returns:
        Shape ``(windows, len(class_indices), rows, columns)`` of the layer's cells, float32.

    Raises:
        ValueError: if the layer is not in the model or the graph can't be cut there, or images or
            classes don't fit the model.
    """
    _check(model, images, class_indices)
    features, head = _split(model, layer or last_feature_layer(model))
    maps = np.concatenate(
        [
            _batch_maps(
                features,
                head,
                np.asarray(images[start : start + batch_size], np.float32),
                class_indices,
            )
            for start in range(0, len(images), batch_size)
        ]
    )
    return maps if signed else np.maximum(maps, 0)


def _interpolation(n_out: int, n_in: int) -> np.ndarray:
    """Weights of linear interpolation between cell centres, shape ``(n_out, n_in)``."""
    centres = (np.arange(n_out, dtype=np.float32) + 0.5) * n_in / n_out - 0.5
    centres = np.clip(centres, 0, n_in - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(n_in, dtype=np.float32)))


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge maps to the size of the picture by bilinear interpolation.

    A cell's value stands at its centre, and the outermost half cells repeat it.

    Args:
        maps: shape ``(..., rows, columns)``.
        size: height and width of the picture in pixels.

    Returns:
        Shape ``(..., height, width)``.
    """
    height, width = size
    rows = _interpolation(height, maps.shape[-2])
    columns = _interpolation(width, maps.shape[-1])
    return rows @ maps @ columns.T
