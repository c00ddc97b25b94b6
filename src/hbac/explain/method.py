"""What all class-activation maps have in common: model, images and classes in, maps out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from hbac.eeg.votes import CLASSES
from hbac.explain.gradients import Arrays, ClassGradients
from hbac.explain.layers import feature_layers, last_feature_layer

EVERY_CLASS = tuple(range(len(CLASSES)))

_PIXELS_A_STEP = 3_000_000
"""Of all pictures, counted once a class."""

Layers = str | Sequence[str] | None
"""A layer's name, several from fine to coarse, or ``None`` for those that a method looks at."""

Weigh = Callable[[Arrays, Arrays, bool], np.ndarray]
"""From feature maps ``(n, h, w, k)`` and gradients ``(c, n, h, w, k)`` of each layer, the finest
first, and whether to keep what speaks against a class, to maps ``(n, c, h, w)``."""


@dataclass(frozen=True)
class Method:
    """A class-activation map.

    Attributes:
        name: as its authors write it.
        weigh: how feature maps and gradients become maps; all that methods differ in.
        resolutions: at which it looks by itself, counted from fine to coarse as
            ``feature_layers`` lists them; at those of them that a network has.
    """

    name: str
    weigh: Weigh
    resolutions: tuple[int, ...] = (-1,)

    def layers(self, model: keras.Model, *, least_rows: int = 1) -> list[str]:
        """Name the layers of a model that it looks at where none is given, from fine to coarse.

        Args:
            model: a network with convolutions.
            least_rows: of cells; layers of fewer are passed over, unless all have fewer.
        """
        last_feature_layer(model)
        grids = feature_layers(model)
        known = [name for name, (rows, _) in grids.items() if rows >= least_rows] or list(grids)
        places = dict.fromkeys(max(place, -len(known)) for place in self.resolutions)
        return [known[place] for place in places]

    def __call__(
        self,
        model: keras.Model,
        images: np.ndarray,
        *,
        class_indices: Sequence[int] | np.ndarray = EVERY_CLASS,
        layer: Layers = None,
        signed: bool = False,
        batch_size: int | None = None,
    ) -> np.ndarray:
        """Map the evidence for each class over the cells of a feature layer.

        Scores before the softmax are explained: probabilities of one class also fall when another
        one gains, and their gradients vanish where the network is sure.

        Args:
            model: a network of one flat graph with a layer ``logits``, as ``build_model`` makes
                it.
            images: pictures, shape ``(windows, height, width)``.
            class_indices: which classes, in the order of ``CLASSES``, shape ``(classes,)``; or
                each picture's own, shape ``(classes, windows)``.
            layer: name of the layer, or ``None`` for the last feature maps; ``feature_layers``
                lists others of finer cells. ``Fusion`` takes several, from fine to coarse.
            signed: keep what speaks against a class, too, as negative values.
            batch_size: pictures at a time; ``None`` for what takes some 2 GB with EfficientNetB0,
                whatever their size.

        Returns:
            Shape ``(windows, classes, rows, columns)`` of the (finest) layer's cells, float32; at
            least 0 unless ``signed``.

        Raises:
            ValueError: if the layer is not in the model or the graph can't be cut there, or images
                or classes don't fit the model.
        """
        layers = [layer] if isinstance(layer, str) else layer
        return map_by_methods(
            [self],
            model,
            images,
            class_indices=class_indices,
            layers=layers,
            signed=signed,
            batch_size=batch_size,
        )[0]


def _check(model: keras.Model, images: np.ndarray, class_indices: np.ndarray) -> None:
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
    if class_indices.ndim > 1 and class_indices.shape[1:] != (len(images),):
        raise ValueError(
            f"class indices must have shape (classes,) or (classes, {len(images)}), received "
            f"{class_indices.shape}"
        )
    n_classes = model.output_shape[-1]
    bad = class_indices[(class_indices < 0) | (class_indices >= n_classes)]
    if len(bad):
        raise ValueError(f"class indices must be within 0..{n_classes - 1}, received {bad[0]}")


def _batches(
    images: np.ndarray, class_indices: np.ndarray, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(images), size):
        batch = slice(start, start + size)
        classes = class_indices[:, batch] if class_indices.ndim > 1 else class_indices
        yield np.asarray(images[batch], np.float32), classes


def map_by_methods(
    methods: Sequence[Method],
    model: keras.Model,
    images: np.ndarray,
    *,
    class_indices: Sequence[int] | np.ndarray = EVERY_CLASS,
    layers: Sequence[str] | None = None,
    least_rows: int = 1,
    signed: bool = False,
    batch_size: int | None = None,
) -> list[np.ndarray]:
    """Map the same pictures by several methods, which share the passes through the network.

    Args:
        methods: one or more.
        model: as for ``Method``; and so are the others.
        images: shape ``(windows, height, width)``.
        class_indices: shape ``(classes,)`` or ``(classes, windows)``.
        layers: which layers all methods look at; each its own where ``None``.
        least_rows: of cells that those must have; 4 keeps chains apart in networks that join them.
        signed: keep what speaks against a class.
        batch_size: pictures at a time, or ``None``.

    Returns:
        The maps of each method, as ``Method`` returns them.

    Raises:
        ValueError: as ``Method``.
    """
    classes = np.asarray(class_indices)
    _check(model, images, classes)
    single = [method.name for method in methods if len(method.resolutions) == 1]
    if layers and len(layers) > 1 and single:
        raise ValueError(f"{single[0]} looks at one layer, received {list(layers)}")
    looked_at = [
        list(layers) if layers else method.layers(model, least_rows=least_rows)
        for method in methods
    ]
    asked = {name for names in looked_at for name in names}
    cuts = [layer.name for layer in model.layers if layer.name in asked]
    class_gradients = ClassGradients(model, [*cuts, *sorted(asked - set(cuts))])
    parts: list[list[np.ndarray]] = [[] for _ in methods]
    step = batch_size or max(1, _PIXELS_A_STEP // (images[0].size * len(classes)))
    for batch, of_batch in _batches(images, classes, step):
        features, gradients = class_gradients(batch, of_batch)
        for method, names, maps in zip(methods, looked_at, parts, strict=True):
            places = [cuts.index(name) for name in names]
            seen = ([of_layer[k] for k in places] for of_layer in (features, gradients))
            maps.append(method.weigh(*seen, signed))
    return [np.concatenate(maps) for maps in parts]
