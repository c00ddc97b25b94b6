"""Batches of one fixed shape, read from a memory-mapped array when they are needed.

A network is traced or compiled once for every shape of batch, which takes longer than many
batches do, so the last batch is filled up rather than cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import joblib
import keras
import numpy as np

from hbac.eeg.half import all_finite
from hbac.models.changes import Change, mix_labels
from hbac.models.device import has_gpu
from hbac.models.identity import file_identity
from hbac.models.sampling import Draw, Sampler

_READ_AHEAD = 2
"""Batches that are read while the network is at another."""

Batch = tuple[np.ndarray | dict[str, Any], np.ndarray, np.ndarray]
"""What a network takes, targets, and weights."""


def read_images(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Read some pictures into memory.

    Args:
        images: pictures, shape ``(windows, height, width)``.
        rows: which windows.

    Returns:
        Shape ``(len(rows), height, width)``; float16 where pictures are, else float32.
    """
    read = np.asarray(images)[rows]
    return read if read.dtype == np.float16 else read.astype(np.float32, copy=False)


def _read_finite(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Read some pictures, and raise where one is not finite."""
    batch = read_images(images, rows)
    for row, picture in zip(rows, batch, strict=True):
        if not all_finite(picture):
            value = picture[~np.isfinite(picture)][0]
            raise ValueError(f"images must be finite, row {row} holds {value}")
    return batch


def full_batches(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut rows into batches of one size, filling the last one up from the start."""
    n_batches = -(-len(rows) // batch_size)
    return list(np.resize(rows, (n_batches, batch_size)))


_found_finite: dict[Hashable, np.ndarray] = {}


def _finite_rows(images: np.ndarray) -> np.ndarray:
    """Which pictures were found finite before, to be written on."""
    identity = file_identity(images)
    known = _found_finite.get(identity)
    if known is None:
        known = np.zeros(len(images), bool)
    if identity is not None:
        _found_finite[identity] = known
    return known


def check_images(images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> None:
    """Read pictures, on several threads, to find those that are not finite.

    Those of a file that were found finite before are not read again.

    Raises:
        ValueError: if a picture holds NaN or infinity; the message names its row.
    """
    known = _finite_rows(images)
    rows = rows[~known[rows]]

    def check(batch: np.ndarray) -> None:
        _read_finite(images, batch)
        known[batch] = True

    with ThreadPoolExecutor(default_workers() or 1) as pool:
        for _ in pool.map(check, full_batches(rows, batch_size)):
            pass


def _ahead(make: Callable[[Any], Any], of: Sequence[Any]) -> Iterator[Any]:
    """Make one thing of each other, a few of them while the last is used."""
    with ThreadPoolExecutor(1, "batches") as pool:
        waiting = iter(of)
        made = [pool.submit(make, each) for each in islice(waiting, _READ_AHEAD)]
        while made:
            yield made.pop(0).result()
            made += [pool.submit(make, each) for each in islice(waiting, 1)]


def image_batches(images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> Iterator[np.ndarray]:
    """Yield pictures in full batches, read ahead; the last repeats the first rows.

    Raises:
        ValueError: as ``check_images``.
    """

    def read(batch: np.ndarray) -> np.ndarray:
        return _read_finite(images, batch)

    return _ahead(read, full_batches(rows, batch_size))


def default_workers() -> int:
    """Return how many threads make batches ahead where the user does not say.

    None with TensorFlow on a CPU, where tf.data has one of its own and more would take cores from
    training; else one a core but one, up to eight.
    """
    if keras.backend.backend() == "tensorflow" and not has_gpu():
        return 0
    return min(8, max(1, joblib.cpu_count() - 1))


class TrainingBatches(keras.utils.PyDataset):
    """Windows, targets and weights as they are drawn for every epoch.

    The last batch is filled up with the epoch's first rows. Seed, epoch and batch alone decide
    what a batch holds, whichever thread makes it and whether or not the run was interrupted.

    Args:
        images: what the network sees, shape ``(windows, height, width)``.
        targets: vote fractions, shape ``(windows, 6)``.
        weights: how much each window counts, shape ``(windows,)``.
        rows: the windows to train on.
        batch_size: windows a batch.
        seed: seed of the orders and of the changes.
        draw: draws the rows of an epoch from ``rows``; ``None`` takes all in a random order.
        change: changes windows; see ``hbac.models.augmentation``. ``None`` leaves them as they are.
        workers: threads that make batches ahead; 0 makes each when it is asked for.
        inputs: makes of rows what a ``FedNetwork`` takes, which then carries out the changes
            itself; ``None`` where windows are read and changed here.
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
        draw: Draw | None = None,
        change: Change | None = None,
        workers: int = 0,
        inputs: Callable[[np.ndarray], Mapping[str, Any]] | None = None,
    ):
        # Not Keras' own threads: in a first fit with jax they begin every epoch with batches that
        # were left from building the model (keras 3.15, OrderedEnqueuer.stop).
        super().__init__()
        self._images, self._targets, self._weights = images, targets, weights
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._draw = draw or Sampler(rows)
        self._change, self._inputs = change, inputs
        self._n_ahead = workers
        self._pool = ThreadPoolExecutor(workers, "batches") if workers else None
        self._ahead: dict[int, Future] = {}
        self.shuffle(epoch=0)

    def shuffle(self, *, epoch: int, weights: np.ndarray | None = None) -> None:
        """Draw the rows of an epoch in their order, which seed and epoch alone decide.

        Args:
            epoch: from 0, over all stages.
            weights: how much each window counts from now on; ``None`` leaves it as it is.

        Raises:
            ValueError: if what is drawn is not in ``rows``.
        """
        for batch in self._ahead.values():
            batch.cancel()
        self._ahead = {}
        order = self._draw(np.random.default_rng([self._seed, epoch]))
        strangers = np.setdiff1d(order, self._rows)
        if len(strangers):
            raise ValueError(f"draw must choose among rows, received {strangers[0]}")
        self._epoch = epoch
        self._weights = self._weights if weights is None else weights
        self._batches = full_batches(order, self._batch_size)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        if self._pool is None:
            return self.make(index)
        for number in range(index, min(index + self._n_ahead + 1, len(self))):
            if number not in self._ahead:
                self._ahead[number] = self._pool.submit(self.make, number)
        return self._ahead.pop(index).result()

    def make(self, index: int) -> Batch:
        """Make a batch of the epoch here and now, and none ahead."""
        rows = self._batches[index]
        rng = np.random.default_rng([self._seed, self._epoch, index])
        labels = (
            np.asarray(self._targets[rows], np.float32),
            np.asarray(self._weights[rows], np.float32),
        )
        if self._inputs is not None:
            return self._make_inputs(rows, labels, rng)
        images = read_images(self._images, rows)
        return (images, *labels) if self._change is None else self._change(images, *labels, rng)

    def _make_inputs(self, rows, labels, rng) -> Batch:
        """Draw what a ``FedNetwork`` does to the windows."""
        shape = (len(rows), *self._images.shape[1:])
        draws = {} if self._change is None else self._change.draw(shape, rng)
        return {**draws, **self._inputs(rows)}, *mix_labels(*labels, draws)
