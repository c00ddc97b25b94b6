"""How windows reach a network: from memory batch by batch, or from where the network computes.

    host      batches are read and changed with NumPy, and sent over as they are trained on
    stream    batches are read and sent over as they are stored, in 16 bits, and changed there
    resident  all windows are sent over once, and batches are the numbers of their rows

Whichever it is, the same changes are drawn for the same windows.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from hbac.models.batches import read_images
from hbac.models.changes import Change
from hbac.models.device import free_bytes, has_gpu
from hbac.models.tensor_changes import change_tensors

logger = logging.getLogger(__name__)

Feed = Literal["auto", "host", "stream", "resident"]

STEPS_PER_EXECUTION = 32
"""Steps between two looks of Keras at what its callbacks want."""

_SHARE_OF_MEMORY = 0.5
"""Of what is free on a device, what the windows may take; the rest is the network's."""


def resolve_feed(feed: Feed, images: np.ndarray) -> Feed:
    """Choose a way where the user leaves it open.

    Args:
        feed: ``auto`` is ``host`` without a GPU, ``resident`` where the windows fit on it, else
            ``stream``.
        images: all windows.
    """
    if feed != "auto":
        return feed
    if not has_gpu():
        return "host"
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
        images: all windows, which are put where the network computes; ``None`` where they come
            with each batch.
    """

    def __init__(self, network: keras.Model, change: Change | None, images: np.ndarray | None):
        super().__init__(name=f"fed_{network.name}")
        self.network = network
        self._change = change
        self._images = None if images is None else ops.convert_to_tensor(np.asarray(images))
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
        if self._images is None:
            return {"images": read_images(images, rows)}
        inputs = {"rows": rows.astype(np.int32)}
        if keras.backend.backend() == "jax":
            # What a compiled function takes from around it, jax would write into its code.
            inputs["windows"] = self._images
        return inputs

    def call(self, inputs: Mapping[str, Any], training: bool = False) -> Any:
        """Predict shares; in training of windows changed as was drawn for them."""
        images = inputs.get("images")
        if images is None:
            images = ops.take(inputs.get("windows", self._images), inputs["rows"], axis=0)
        if training and self._change is not None:
            images = change_tensors(images, inputs, self._change)
        return self.network(images, training=training)


class _Fed:
    """Keeps a network's ``FedNetwork``, which is traced already when it trains again.

    A plain object, which Keras does not take for a layer of the network.
    """

    def __init__(self, key: Any, network: FedNetwork):
        self.key, self.network = key, network


def _identity(images: np.ndarray) -> Any:
    """What tells an array from others: of a memory map its file; one in memory may change."""
    path = getattr(images, "filename", None)
    if path is None:
        return object()
    state = os.stat(path)
    return str(path), state.st_mtime_ns, state.st_size, images.shape


def fed_network(
    network: keras.Model, images: np.ndarray, change: Change | None, feed: Feed
) -> FedNetwork | None:
    """Return what to train in place of a network, or None where that is the network itself.

    Args:
        network: a compiled network.
        images: all windows, shape ``(windows, height, width)``.
        change: what happens to windows in training.
        feed: not ``auto``.
    """
    if feed == "host":
        return None
    kept = images if feed == "resident" else None
    key = (change and (change.augmentation, change.layout), kept is not None and _identity(kept))
    found = getattr(network, "fed", None)
    if found is None or found.key != key:
        network.fed = found = _Fed(key, FedNetwork(network, change, kept))
    return found.network


def feeder(fed: FedNetwork | None, images: np.ndarray) -> Callable[[np.ndarray], Any] | None:
    """Return what ``TrainingBatches`` takes as ``inputs``."""
    if fed is None:
        return None
    return lambda rows: fed.inputs_of(rows, images)
