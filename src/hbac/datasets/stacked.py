"""Many equal arrays as one memory-mapped array."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from kedro.io.core import DatasetError

from hbac.datasets.file import remove_leftovers, replacing
from hbac.datasets.fingerprint import code_fingerprint, task_fingerprints
from hbac.datasets.manifest import Made
from hbac.datasets.npy import NpyDataset
from hbac.datasets.parallel import Workers

logger = logging.getLogger(__name__)


def _fill_row(path: str, row: int, task: Callable[[], np.ndarray]) -> None:
    stack = np.lib.format.open_memmap(path, mode="r+")
    value = task()
    if value.shape != stack.shape[1:]:
        raise ValueError(f"row {row} has shape {value.shape}, the first has {stack.shape[1:]}")
    stack[row] = value
    stack.flush()


def _reserve(path: str) -> None:
    """Have the file's blocks allocated: a full disk then is an error here, not a killed worker."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with open(path, "r+b") as file:
        os.posix_fallocate(file.fileno(), 0, os.path.getsize(path))


class StackedArrayDataset(NpyDataset):
    """One ``.npy`` file whose rows are made by callables, in parallel and in their order.

    Loading returns a read-only memory map. Saving is skipped where the file is already there,
    whole, and was made from the same parameters, code and source files. A file that no save
    finished does not count as there.

    Args:
        filepath: path or URL of the file. It is filled on this machine's disk, which workers of a
            cluster must share.
        n_jobs: number of workers; -1 is one a core.
        backend: joblib's backend.
        scheduler: address of the cluster, for the backends ``dask`` and ``ray``.
        may_be_empty: whether nothing to stack is stored as an array of shape ``(0,)``; otherwise
            it is an error.
        kwargs: as of ``NpyDataset``.
    """

    def __init__(
        self,
        *,
        n_jobs: int = -1,
        backend: str = "loky",
        scheduler: str | None = None,
        may_be_empty: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._may_be_empty = may_be_empty
        self._workers = Workers(n_jobs, backend, scheduler)

    @property
    def _record(self) -> str:
        return self._filepath + ".made_from"

    def save(self, data: dict[Any, Callable[[], np.ndarray]]) -> None:
        """Run the callables and stack what they return.

        Raises:
            DatasetError: if there is none where there must be, or a callable fails or returns
                another shape.
        """
        if not data and not self._may_be_empty:
            raise DatasetError(f"nothing to stack in {self._filepath}")
        fingerprint = self._fingerprint(data)
        if self._exists() and self._made().fingerprint == fingerprint:
            logger.info("%s is up to date", self._filepath)
            return
        if self._fs.exists(self._record):
            self._fs.rm_file(self._record)
        remove_leftovers(self._fs, *self._filepath.rsplit("/", 1))
        size = self.write(self._filepath, list(data.values()))
        with replacing(self._fs, self._record) as path:
            Path(path).write_text(json.dumps(Made(fingerprint, size)))

    def _fingerprint(self, tasks: dict[Any, Callable[[], np.ndarray]]) -> str:
        """What the rows are made from, and the code that stacks them."""
        fingerprints = [code_fingerprint(type(self))]
        for row, (_, fingerprint) in enumerate(task_fingerprints(tasks)):
            if isinstance(fingerprint, OSError):
                raise DatasetError(f"row {row} of {self._filepath}: {fingerprint}") from fingerprint
            fingerprints.append(fingerprint)
        return joblib.hash(fingerprints)

    def _made(self) -> Made | None:
        """What is known of the file; None where no save came to its end."""
        try:
            return Made(*json.loads(self._fs.cat_file(self._record)))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _exists(self) -> bool:
        """Whether the file is there as the last save made it, and that came to its end."""
        made = self._made()
        return super()._exists() and made is not None and self._fs.size(self._filepath) == made.size

    def _write(self, path: str, data: list[Callable[[], np.ndarray]]) -> None:
        if not data:
            super()._write(path, np.empty(0, np.float16))
            return
        first = data[0]()
        shape = (len(data), *first.shape)
        stack = np.lib.format.open_memmap(path, mode="w+", dtype=first.dtype, shape=shape)
        _reserve(path)
        stack[0] = first
        stack.flush()
        jobs = [(path, row, task) for row, task in enumerate(data[1:], 1)]
        name = self._filepath.rpartition("/")[2]
        for index, died in self._workers.run(_fill_row, jobs, name):
            if died is not None:
                raise DatasetError(f"row {index + 1} of {self._filepath}: {died}")
