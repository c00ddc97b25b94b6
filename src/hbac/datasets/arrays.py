"""Several arrays by name, in NumPy's own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset


class ArraysDataset(FileDataset):
    """Arrays of numbers by name, compressed; nothing is ever unpickled."""

    kind = "arrays of numbers"

    def _read(self, path: str) -> dict[str, np.ndarray]:
        with self._fs.open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)

    def _write(self, path: str, data: dict[str, np.ndarray]) -> None:
        objects = [name for name, array in data.items() if np.asarray(array).dtype.hasobject]
        if objects:
            raise ValueError(f"arrays must hold numbers, received objects in {objects}")
        # An open file keeps its name, to which NumPy would add its own ending.
        with Path(path).open("w+b") as file:
            np.savez_compressed(file, **data)

    def preview(self) -> TablePreview:
        """Return names, shapes and types for kedro-viz."""
        rows = [[name, str(one.shape), str(one.dtype)] for name, one in self.load().items()]
        columns = ["name", "shape", "type"]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})
