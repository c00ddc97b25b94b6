"""Several stacks of arrays in one folder, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Literal

import numpy as np
from kedro.io.core import AbstractDataset

from hbac.datasets.quarantine import Failure, Quarantine
from hbac.datasets.record import RecordDataset
from hbac.datasets.stacked import StackedArrayDataset, set_aside

Stacks = Mapping[str, dict[Any, Callable[[], np.ndarray]]]


class StackedArraysDataset(AbstractDataset[Stacks, dict[str, np.ndarray]]):
    """A folder with a ``StackedArrayDataset`` a name; which there are, the data say.

    Row ``i`` is the same thing in all of them. One that can't be made in one of them is set aside
    with the reason; it is zero there.

    Args:
        path: folder of the files, and of ``names.json``, which lists them.
        failures: as of ``StackedArrayDataset``, and so for the next three.
        on_error: see there.
        max_failure_rate: see there.
        tolerated_failures: see there.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
        options: those of ``StackedArrayDataset``, as of its workers.
    """

    def __init__(
        self,
        *,
        path: str,
        failures: dict[str, Any] | None = None,
        on_error: Literal["raise", "quarantine"] = "quarantine",
        max_failure_rate: float = 0.0,
        tolerated_failures: int = 0,
        metadata: dict[str, Any] | None = None,
        **options: Any,
    ):
        self._path, self._options = str(path), options
        self._quarantine = Quarantine(failures, on_error, max_failure_rate, tolerated_failures)
        self._names = RecordDataset(filepath=f"{path}/names.json")
        self.metadata = metadata

    def _stack(self, name: str) -> StackedArrayDataset:
        return StackedArrayDataset(filepath=f"{self._path}/{name}.npy", **self._options)

    def load(self) -> dict[str, np.ndarray]:
        """Return a read-only memory map a name, in the order in which they were saved."""
        return {name: self._stack(name).load() for name in self._names.load()}

    def save(self, data: Stacks) -> None:
        """Run the callables of each name and stack what they return."""
        rows = max(data.values(), key=len, default={})
        failures: dict[int, Failure] = {}
        with ExitStack() as filling:
            for name, tasks in data.items():
                failures |= filling.enter_context(self._stack(name).filling(tasks))
            set_aside(self._path, rows, failures, self._quarantine)
        self._names.save([*data])

    def _exists(self) -> bool:
        return self._names.exists() and all(
            self._stack(name).exists() for name in self._names.load()
        )

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}
