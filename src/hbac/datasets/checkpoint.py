"""The state of an unfinished training, written after every epoch."""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hbac.datasets.file import FileDataset
from hbac.datasets.unreadable import unreadable

logger = logging.getLogger(__name__)

_PLAIN = "plain"


class CheckpointFile:
    """One file that a training saves its state to and finds it in again.

    Args:
        dataset: reads and writes the file.
        made_from: what the training is made of; a state of another training is not seen.
    """

    def __init__(self, dataset: CheckpointDataset, made_from: str = ""):
        self._dataset, self._made_from = dataset, made_from

    def of(self, made_from: str) -> CheckpointFile:
        """Return the same file for a training that is made of something."""
        return CheckpointFile(self._dataset, made_from)

    def load(self) -> dict[str, Any] | None:
        """Return the last state, or None where there is none or it is another training's."""
        state = self._dataset.read_state()
        if state is None or state.pop("made_from") != self._made_from:
            return None
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state: lists of arrays, and plain values."""
        self._dataset.save(state | {"made_from": self._made_from})


class CheckpointDataset(FileDataset):
    """An ``.npz`` file, which nodes get as a ``CheckpointFile`` whether or not it is there.

    A file that can't be read, half-written by a machine that lost power, counts as none, and a
    warning says so.
    """

    kind = "a training's checkpoint"

    def load(self) -> CheckpointFile:
        """Return the file as something to save to and load from."""
        return CheckpointFile(self)

    def read_state(self) -> dict[str, Any] | None:
        """Read the state, or None where there is none."""
        return self._read(self._filepath) if self._exists() else None

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            with self._fs.open(path, "rb") as file, np.load(file) as arrays:
                state = json.loads(str(arrays[_PLAIN]))
                for name, length in state.pop("lists").items():
                    state[name] = [arrays[f"{name}_{number}"] for number in range(length)]
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("%s; training begins anew", unreadable(self._fs, path, self.kind, error))
            return None
        return state

    def _write(self, path: str, data: dict[str, Any]) -> None:
        lists = {
            name: value
            for name, value in data.items()
            if isinstance(value, list) and value and isinstance(value[0], np.ndarray)
        }
        plain = {name: value for name, value in data.items() if name not in lists}
        plain["lists"] = {name: len(value) for name, value in lists.items()}
        arrays = {
            f"{name}_{number}": array
            for name, value in lists.items()
            for number, array in enumerate(value)
        }
        with Path(path).open("wb") as file:
            np.savez(file, **{_PLAIN: json.dumps(plain)}, **arrays)
