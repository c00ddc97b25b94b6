"""Several stacks of arrays in one folder, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from kedro.io.core import AbstractDataset

from hbac.datasets.record import RecordDataset
from hbac.datasets.stacked import StackedArrayDataset

Stacks = Mapping[str, dict[Any, Callable[[], np.ndarray]]]


class StackedArraysDataset(AbstractDataset[Stacks, dict[str, np.ndarray]]):
    """A folder with a ``StackedArrayDataset`` a name; which there are, the data say.

    Args:
        path: folder of the files, and of ``names.json``, which lists them.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
        options: those of ``StackedArrayDataset``, as of its workers.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None, **options: Any):
        self._path, self._options = str(path), options
        self._names = RecordDataset(filepath=f"{path}/names.json")
        self.metadata = metadata

    def _stack(self, name: str) -> StackedArrayDataset:
        return StackedArrayDataset(filepath=f"{self._path}/{name}.npy", **self._options)

    def load(self) -> dict[str, np.ndarray]:
        """Return a read-only memory map a name."""
        return {name: self._stack(name).load() for name in self._names.load()}

    def save(self, data: Stacks) -> None:
        """Run the callables of each name and stack what they return."""
        for name, tasks in data.items():
            self._stack(name).save(tasks)
        self._names.save(sorted(data))

    def _exists(self) -> bool:
        return self._names.exists() and all(
            self._stack(name).exists() for name in self._names.load()
        )

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}
