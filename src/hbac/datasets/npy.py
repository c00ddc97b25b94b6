"""One array in NumPy's own format."""

from __future__ import annotations

import io
import os
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset

_HEADER_BYTES = 4096
"""More than the header of any array of numbers takes."""

_PART_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Rows:
    """Some rows of an array that may be larger than the memory.

    Attributes:
        array: of shape ``(rows, ...)``.
        kept: places of those that are meant.
    """

    array: np.ndarray
    kept: np.ndarray

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.array[self.kept], dtype)

    def write(self, path: str) -> None:
        """Write them to a file, a part at a time."""
        shape = (len(self.kept), *self.array.shape[1:])
        made = np.lib.format.open_memmap(path, mode="w+", dtype=self.array.dtype, shape=shape)
        n_rows = max(1, _PART_BYTES // max(1, self.array[:1].nbytes))
        for start in range(0, len(made), n_rows):
            part = slice(start, start + n_rows)
            made[part] = self.array[self.kept[part]]
        made.flush()


def _is_whole_file(array: np.ndarray) -> bool:
    """Whether an array is a file as it lies on this machine's disk."""
    if not isinstance(array, np.memmap) or array.mode != "r" or not array.filename:
        return False
    if not os.path.exists(array.filename):  # A copy of one that lies elsewhere.
        return False
    file = np.lib.format.open_memmap(array.filename, mode="r")
    return (file.dtype, file.shape, file.strides) == (array.dtype, array.shape, array.strides)


def _link(array: np.memmap, path: str) -> bool:
    """Give the file of an array a second name; whether that could be done."""
    try:
        os.link(array.filename, path)
    except OSError:  # Another disk, or a file system without links.
        return False
    return True


class NpyDataset(FileDataset):
    """An array of numbers, memory-mapped and read-only; nothing is ever unpickled.

    Of a file elsewhere a copy is mapped, whose room on this machine's disk is free again as soon
    as the array is no longer used.
    """

    kind = "an array of numbers"

    def _read(self, path: str) -> np.ndarray:
        if isinstance(self._fs, LocalFileSystem):
            return np.lib.format.open_memmap(path, mode="r")
        with tempfile.NamedTemporaryFile(suffix=".npy") as copy:
            self._fs.get_file(path, copy.name)
            return np.lib.format.open_memmap(copy.name, mode="r")

    def _length(self, path: str) -> int:
        header = io.BytesIO(self._fs.cat_file(path, start=0, end=_HEADER_BYTES))
        np.lib.format.read_magic(header)
        return np.lib.format.read_array_header_1_0(header)[0][0]

    def _write(self, path: str, data: np.ndarray | Rows) -> None:
        if _is_whole_file(data) and _link(data, path):
            return
        if isinstance(data, Rows):
            data.write(path)
            return
        # Opened for writing alone, NumPy writes past Python and does not say that a disk is full.
        with open(path, "w+b") as file:
            np.save(file, data, allow_pickle=False)

    def preview(self) -> TablePreview:
        """Return shape and type for kedro-viz."""
        array = self.load()
        columns = ["shape", "type", "MiB"]
        row = [str(array.shape), str(array.dtype), round(array.nbytes / 2**20, 1)]
        return TablePreview({"index": [0], "columns": columns, "data": [row]})
