"""Batches of one fixed shape, read from a memory-mapped array when they are needed.

A network is traced or compiled once for every shape of batch, which takes longer than many
batches do, so the last batch is filled up rather than cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import joblib
import keras
import numpy as np

from hbac.models.architecture import has_gpu
from hbac.models.augmentation import Change
from hbac.models.sampling import Draw, Sampler

_SIGN_AND_VALUE = np.int32(0x8FFFE000 - (1 << 32))


def _widen(half: np.ndarray, single: np.ndarray) -> None:
    """Write 16-bit numbers as 32-bit ones, but NaN and infinity as numbers from 65536.

    NumPy converts one by one, at three times the cost. Both types begin with the sign, then
    exponent and fraction; after a shift of the latter the exponent only counts from elsewhere.
    """
    bits = single.view(np.int32)
    bits[...] = half.view(np.int16)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _SIGN_AND_VALUE, out=bits)
    np.multiply(single, np.float32(2.0**112), out=single)


def _read_picture(picture: np.ndarray, into: np.ndarray) -> bool:
    """Copy one picture and tell whether all of it is finite."""
    half = picture.dtype == np.float16
    if half:
        _widen(picture, into)
    else:
        into[...] = picture
    limit = 2.0**16 if half else np.inf
    return bool(-limit < into.min() and into.max() < limit)


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
    images = np.asarray(images)
    batch = np.empty((len(rows), *images.shape[1:]), np.float32)
    for row, picture in zip(rows, batch, strict=True):
        if not _read_picture(images[row], picture):
            value = images[row][~np.isfinite(images[row])][0]
            raise ValueError(f"images must be finite, row {row} holds {value}")
    return batch


def full_batches(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut rows into batches of one size, filling the last one up from the start."""
    n_batches = -(-len(rows) // batch_size)
    return list(np.resize(rows, (n_batches, batch_size)))


def check_images(images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> None:
    """Read pictures once, on several threads, to find those that are not finite.

    Raises:
        ValueError: as ``read_images``.
    """

    def check(batch: np.ndarray) -> None:
        read_images(images, batch)

    with ThreadPoolExecutor(default_workers() or 1) as pool:
        for _ in pool.map(check, full_batches(rows, batch_size)):
            pass


def image_batches(images: np.ndarray, rows: np.ndarray, *, batch_size: int) -> Iterator[np.ndarray]:
    """Yield pictures in full batches; the last repeats the first rows."""
    for batch in full_batches(rows, batch_size):
        yield read_images(images, batch)


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
        change: see ``hbac.models.augmentation``; ``None`` leaves windows as they are.
        workers: threads that make batches ahead; 0 makes each when it is asked for.
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
    ):
        # Not Keras' own threads: in a first fit with jax they begin every epoch with batches that
        # were left from building the model (keras 3.15, OrderedEnqueuer.stop).
        super().__init__()
        self._images, self._targets, self._weights = images, targets, weights
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._draw = draw or Sampler(rows)
        self._change = change
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

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self._pool is None:
            return self.make(index)
        for number in range(index, min(index + self._n_ahead + 1, len(self))):
            if number not in self._ahead:
                self._ahead[number] = self._pool.submit(self.make, number)
        return self._ahead.pop(index).result()

    def make(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make a batch of the epoch here and now, and none ahead."""
        rows = self._batches[index]
        batch = (
            read_images(self._images, rows),
            np.asarray(self._targets[rows], np.float32),
            np.asarray(self._weights[rows], np.float32),
        )
        if self._change is None:
            return batch
        return self._change(*batch, np.random.default_rng([self._seed, self._epoch, index]))
