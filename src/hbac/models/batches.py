"""Batches of one fixed shape, read from a memory-mapped array when they are needed.

A network is traced or compiled once for every shape of batch, which takes longer than many
batches do, so the last batch is filled up rather than cut short.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from hbac.models.augmentation import Change


def read_images(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Read some pictures into memory.

    Args:
        images: pictures, shape ``(windows, height, width)``.
        rows: which windows.

    Returns:
        Shape ``(len(rows), height, width)``, float32.

    Raises:
        ValueError: if a picture holds NaN or infinity; the message names its row.
    """
    batch = np.asarray(images[rows], np.float32)
    finite = np.isfinite(batch)
    if not finite.all():
        row, value = rows[np.argwhere(~finite)[0, 0]], batch[~finite][0]
        raise ValueError(f"images must be finite, row {row} holds {value}")
    return batch


def full_batches(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut rows into batches of one size, filling the last one up from the start."""
    n_batches = -(-len(rows) // batch_size)
    return list(np.resize(rows, (n_batches, batch_size)))


def image_batches(images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> Iterator[np.ndarray]:
    """Yield pictures in full batches; the last repeats the first rows."""
    for batch in full_batches(rows, batch_size):
        yield read_images(images, batch)


class TrainingBatches(keras.utils.PyDataset):
    """Windows, targets and weights in an order of their own for every epoch.

    The last batch is filled up with the epoch's first rows. Seed, epoch and batch alone decide
    what a batch holds, whichever thread makes it and whether or not the run was interrupted.

    Args:
        images: what the network sees, shape ``(windows, height, width)``.
        targets: vote fractions, shape ``(windows, 6)``.
        weights: how much each window counts, shape ``(windows,)``.
        rows: the windows to train on.
        batch_size: windows a batch.
        seed: seed of the orders and of the changes.
        change: see ``hbac.models.augmentation``; ``None`` leaves windows as they are.
        workers: threads that make batches ahead; with 1, Keras' own thread does.
    """

    def __init__(
        self,
        images: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        rows: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        change: Change | None = None,
        workers: int = 1,
    ):
        super().__init__(workers=workers, max_queue_size=2 * workers)
        self._images, self._targets, self._weights = images, targets, weights
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._change = change
        self.shuffle(epoch=0)

    def shuffle(self, *, epoch: int) -> None:
        """Put the rows into the order of an epoch, which seed and epoch alone decide."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
        self._epoch = epoch
        self._batches = full_batches(order, self._batch_size)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = self._batches[index]
        batch = (
            read_images(self._images, rows),
            np.asarray(self._targets[rows], np.float32),
            np.asarray(self._weights[rows], np.float32),
        )
        if self._change is None:
            return batch
        return self._change(*batch, np.random.default_rng([self._seed, self._epoch, index]))
