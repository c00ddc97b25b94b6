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

_BYTES_IN_MEMORY = 64 * 2**20
"""What is held of an array on its way to another file or to an object store."""


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
        n_rows = max(1, _BYTES_IN_MEMORY // max(1, self.array[:1].nbytes))
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

    Elsewhere than on a disk, arrays of up to 64 MiB come from memory and go from it. Of a larger
    one a copy is mapped, whose room on this machine's disk is free again as soon as the array is
    no longer used.

    Args:
        links: whether an array that is a file of this machine as it lies there is saved as a second
            name of that file, which takes no room; for files that runs alone write.
        kwargs: as of ``FileDataset``.
    """

    kind = "an array of numbers"

    def __init__(self, *, links: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self._links = links

    def _read(self, path: str) -> np.ndarray:
        if isinstance(self._fs, LocalFileSystem):
            return np.lib.format.open_memmap(path, mode="r")
        if self._fs.size(path) <= _BYTES_IN_MEMORY:
            content = io.BytesIO(self._fs.cat_file(path))
            array = np.lib.format.read_array(content, allow_pickle=False)
            array.flags.writeable = False
            return array
        with tempfile.NamedTemporaryFile(suffix=".npy") as copy:
            self._fs.get_file(path, copy.name)
            return np.lib.format.open_memmap(copy.name, mode="r")

    def _length(self, path: str) -> int:
        header = io.BytesIO(self._fs.cat_file(path, start=0, end=_HEADER_BYTES))
        np.lib.format.read_magic(header)
        return np.lib.format.read_array_header_1_0(header)[0][0]

    def write(self, path: str, data: np.ndarray, *, flushed: bool = True) -> int:
        """Write another array, atomically, and return its file's size; see ``FileDataset``."""
        local, size = isinstance(self._fs, LocalFileSystem), getattr(data, "nbytes", None)
        if local or size is None or size > _BYTES_IN_MEMORY:
            return super().write(path, data, flushed=flushed)
        content = io.BytesIO()
        np.save(content, data, allow_pickle=False)
        self._fs.pipe_file(path, content.getvalue())
        return content.tell()

    def _write(self, path: str, data: np.ndarray | Rows) -> None:
        if self._links and _is_whole_file(data) and _link(data, path):
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
