"""One array in NumPy's own format."""

from __future__ import annotations

import io
import tempfile

import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset

_HEADER_BYTES = 4096
"""More than the header of any array of numbers takes."""

_BYTES_IN_MEMORY = 64 * 2**20


class NpyDataset(FileDataset):
    """An array of numbers, memory-mapped and read-only; nothing is ever unpickled.

    Elsewhere than on a disk, arrays of up to 64 MiB come from memory and go from it. Of a larger
    one a copy is mapped, whose room on this machine's disk is free again as soon as the array is
    no longer used.
    """

    kind = "an array of numbers"

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

    def _write(self, path: str, data: np.ndarray) -> None:
        # Opened for writing alone, NumPy writes past Python and does not say that a disk is full.
        with open(path, "w+b") as file:
            np.save(file, data, allow_pickle=False)

    def preview(self) -> TablePreview:
        """Return shape and type for kedro-viz."""
        array = self.load()
        columns = ["shape", "type", "MiB"]
        row = [str(array.shape), str(array.dtype), round(array.nbytes / 2**20, 1)]
        return TablePreview({"index": [0], "columns": columns, "data": [row]})
