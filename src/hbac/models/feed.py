"""How windows reach a network: from memory batch by batch, or from where the network computes.

    host      batches are read and changed with NumPy, and sent over as they are trained on
    stream    batches are read and sent over as they are stored, in 16 bits, and changed there
    resident  all windows are sent over once, and batches are the numbers of their rows

Whichever it is, the same changes are drawn for the same windows.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal
from weakref import WeakValueDictionary

import keras
import numpy as np
from keras import ops

from hbac.models.batches import full_batches, read_images
from hbac.models.changes import Change
from hbac.models.device import free_bytes, has_gpu
from hbac.models.identity import file_identity
from hbac.models.prediction import Mirror
from hbac.models.tensor_changes import change_tensors

logger = logging.getLogger(__name__)

Feed = Literal["auto", "host", "stream", "resident"]

STEPS_PER_EXECUTION = 32
"""Steps between two looks of Keras at what its callbacks want."""

_SHARE_OF_MEMORY = 0.5
"""Of what is free on a device, what the windows may take; the rest is the network's."""


class _Windows:
    """All windows where the network computes, as long as a network is fed from them."""

    def __init__(self, images: np.ndarray):
        self.tensor = ops.convert_to_tensor(np.asarray(images))


_resident: WeakValueDictionary[Hashable, _Windows] = WeakValueDictionary()
"""By file, so that networks that see the same windows share them."""


def _sent_over(images: np.ndarray) -> _Windows:
    identity = file_identity(images)
    windows = _resident.get(identity) or _Windows(images)
    if identity is not None:
        _resident[identity] = windows
    return windows


def resolve_feed(feed: Feed, images: np.ndarray) -> Feed:
    """Choose a way where the user leaves it open.

    Args:
        feed: ``auto`` is ``host`` without a GPU, ``resident`` where the windows are on it or fit,
            else ``stream``.
        images: all windows.
    """
    if feed != "auto":
        return feed
    if not has_gpu():
        return "host"
    if file_identity(images) in _resident:
        return "resident"
    free = free_bytes()
    fits = free is not None and images.nbytes <= _SHARE_OF_MEMORY * free
    chosen = "resident" if fits else "stream"
    logger.info("%d bytes of windows, %s free on the GPU: %s", images.nbytes, free, chosen)
    return chosen


class FedNetwork(keras.Model):
    """A network that takes windows as they are stored, and changes them itself in training.

    It is the network that was given: the same weights, optimizer and loss.

    Args:
        network: a compiled network.
        change: carried out in training; ``None`` leaves windows as they are.
        mirror: swaps the hemispheres; where given, predictions are the mean with those of the
            mirror image.
        images: all windows, which are put where the network computes; ``None`` where they come
            with each batch.
    """

    def __init__(
        self,
        network: keras.Model,
        change: Change | None,
        mirror: Mirror | None,
        images: np.ndarray | None,
    ):
        super().__init__(name=f"fed_{network.name}")
        self.network = network
        self._change = change
        self._mirrored = None if mirror is None else _mirrored_rows(mirror, network.input_shape[1:])
        self._windows = None if images is None else _sent_over(images)
        self.built = True
        self.compile(
            optimizer=network.optimizer,
            loss=network.loss,
            jit_compile=network.jit_compile,
            steps_per_execution=STEPS_PER_EXECUTION,
            auto_scale_loss=False,
        )

    def inputs_of(self, rows: np.ndarray, images: np.ndarray) -> dict[str, Any]:
        """Make what a batch needs beside what is drawn for it.

        Args:
            rows: the windows of the batch.
            images: all windows, which are read where they were not sent over before.
        """
        if self._windows is None:
            return {"images": read_images(images, rows)}
        inputs = {"rows": rows.astype(np.int32)}
        if keras.backend.backend() == "jax":
            # What a compiled function takes from around it, jax would write into its code.
            inputs["windows"] = self._windows.tensor
        return inputs

    def call(self, inputs: Mapping[str, Any], training: bool = False) -> Any:
        """Predict shares; in training of windows changed as was drawn for them."""
        images = inputs.get("images")
        if images is None:
            windows = inputs.get("windows", self._windows.tensor)
            images = ops.take(windows, inputs["rows"], axis=0)
        if self._change is not None:
            images = (
                change_tensors(images, inputs, self._change)
                if training
                else self._change.layout.middle(images)
            )
        if training:
            return self.network(images, training=True)
        shares = self.network(images, training=False)
        if self._mirrored is None:
            return shares
        mirrored = ops.take_along_axis(images, ops.convert_to_tensor(self._mirrored), axis=1)
        return (shares + self.network(mirrored, training=False)) / 2

    def predict_rows(self, images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> np.ndarray:
        """Predict the shares of the six classes, as ``hbac.models.predict`` does.

        Args:
            images: all windows, with the margins of the change's layout, which are cut off here.
            rows: which of them.
            batch_size: windows a batch.

        Returns:
            Shape ``(len(rows), 6)``, float32.
        """
        inputs = functools.partial(self.inputs_of, images=images)
        batches = _Batches(full_batches(rows, batch_size), inputs)
        return self.predict(batches, verbose=0)[: len(rows)]


class _Batches(keras.utils.PyDataset):
    """What a ``FedNetwork`` predicts."""

    def __init__(self, rows: list[np.ndarray], inputs: Callable[[np.ndarray], Any]):
        super().__init__()
        self._rows, self._inputs = rows, inputs

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Any]:
        return (self._inputs(self._rows[index]),)


def _mirrored_rows(mirror: Mirror, size: tuple[int, int]) -> np.ndarray:
    """Which row comes to each place, shape ``(1, height, width)``."""
    numbers = np.broadcast_to(np.arange(size[0], dtype=np.int32)[:, np.newaxis], size)
    return mirror(numbers[np.newaxis])


class _Fed:
    """Keeps a network's ``FedNetwork``, which is traced already when it trains again.

    A plain object, which Keras does not take for a layer of the network.
    """

    def __init__(self, key: Any, network: FedNetwork):
        self.key, self.network = key, network


def _key(change: Change | None, mirror: Mirror | None, images: np.ndarray | None) -> Any:
    """What a ``FedNetwork`` depends on beside its network."""
    of_change = None if change is None else (change.augmentation, change.layout)
    # Methods of equal layouts are not equal themselves; arrays in memory may change.
    of_mirror = getattr(mirror, "__self__", mirror)
    of_images = None if images is None else file_identity(images) or object()
    return of_change, of_mirror, of_images


def fed_network(
    network: keras.Model,
    images: np.ndarray,
    *,
    change: Change | None,
    mirror: Mirror | None,
    feed: Feed,
) -> FedNetwork | None:
    """Return what to train in place of a network, or None where that is the network itself.

    Args:
        network: a compiled network.
        images: all windows, shape ``(windows, height, width)``.
        change: what happens to windows in training.
        mirror: see ``FedNetwork``.
        feed: see ``resolve_feed``.
    """
    feed = resolve_feed(feed, images)
    if feed == "host":
        return None
    kept = images if feed == "resident" else None
    key, found = _key(change, mirror, kept), getattr(network, "fed", None)
    if found is None or found.key != key:
        network.fed = found = _Fed(key, FedNetwork(network, change, mirror, kept))
    return found.network
