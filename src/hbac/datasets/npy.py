"""One array in NumPy's own format."""

from __future__ import annotations

import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset


class NpyDataset(FileDataset):
    """An array of numbers. A local file is memory-mapped, read-only; nothing is ever unpickled."""

    def _read(self, path: str) -> np.ndarray:
        """Read the array.

        Raises:
            DatasetError: if the file is not an array of numbers; the message names the file.
        """
        try:
            if isinstance(self._fs, LocalFileSystem):
                return np.load(path, mmap_mode="r", allow_pickle=False)
            with self._fs.open(path, "rb") as file:
                return np.load(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DatasetError(f"{path} is not an array of numbers: {error}") from error

    def _write(self, path: str, data: np.ndarray) -> None:
        with open(path, "wb") as file:
            np.save(file, data, allow_pickle=False)

    def preview(self) -> TablePreview:
        """Return shape and type for kedro-viz."""
        array = self.load()
        columns = ["shape", "type", "MiB"]
        row = [str(array.shape), str(array.dtype), round(array.nbytes / 2**20, 1)]
        return TablePreview({"index": [0], "columns": columns, "data": [row]})
