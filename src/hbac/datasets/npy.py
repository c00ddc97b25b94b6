"""One array in NumPy's own format."""

from __future__ import annotations

import tempfile

import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset


class NpyDataset(FileDataset):
    """An array of numbers, memory-mapped and read-only; nothing is ever unpickled.

    Of a file elsewhere a copy is mapped, whose room on this machine's disk is free again as soon
    as the array is no longer used.
    """

    def _read(self, path: str) -> np.ndarray:
        """Read the array.

        Raises:
            DatasetError: if the file is not an array of numbers; the message names the file.
        """
        try:
            if isinstance(self._fs, LocalFileSystem):
                return np.load(path, mmap_mode="r", allow_pickle=False)
            with tempfile.NamedTemporaryFile(suffix=".npy") as copy:
                self._fs.get_file(path, copy.name)
                return np.load(copy.name, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DatasetError(f"{path} is not an array of numbers: {error}") from error

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
