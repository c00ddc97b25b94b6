"""A stack of which not every row is made yet, and a journal of the rows that are."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hbac.datasets.file import flush


def _reserve(path: Path) -> None:
    """Have the file's blocks allocated, so that a full disk is found at once."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


@dataclass(frozen=True)
class Block:
    """Where rows of one shape and type lie in a file. Small, and pickled with every job."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int

    def empty(self, n_rows: int) -> np.ndarray:
        """Return so many rows of zeros."""
        return np.zeros((n_rows, *self.shape), self.dtype)

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write rows from the ``first`` on, in one piece."""
        with open(self.path, "r+b") as file:
            file.seek(self.offset + first * rows[:1].nbytes)
            file.write(rows)


class UnfinishedStack:
    """A ``.npy`` file under a hidden name beside the finished one.

    A row that the journal names is on the disk, where a power cut leaves it: the file is flushed
    first, and for all the rows since the last time at once.

    Args:
        path: the finished file.
    """

    def __init__(self, path: str):
        finished = Path(path)
        self._finished = finished
        self._path = finished.with_name(f".{finished.name}.unfinished")
        self._journal = finished.with_name(f".{finished.name}.rows")

    @property
    def rows(self) -> Block:
        """Where its rows lie."""
        stack = np.lib.format.open_memmap(self._path, mode="r")
        return Block(str(self._path), stack.shape[1:], stack.dtype, stack.offset)

    def made(self, n_rows: int) -> dict[int, str]:
        """By row, what it was made from; empty where there is no file with so many rows."""
        try:
            if len(np.lib.format.open_memmap(self._path, mode="r")) != n_rows:
                return {}
        except (FileNotFoundError, ValueError):  # It is not there, or was cut off.
            return {}
        made = {}
        with suppress(FileNotFoundError):
            for line in self._journal.read_bytes().splitlines():
                with suppress(ValueError, TypeError):
                    row, fingerprint = json.loads(line)
                    made[row] = fingerprint
        return made

    def start(self, n_rows: int, first: np.ndarray) -> None:
        """Make room for rows like the ``first``, all zero; nothing of before is kept."""
        self.remove()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        shape = (n_rows, *first.shape)
        try:
            np.lib.format.open_memmap(self._path, mode="w+", dtype=first.dtype, shape=shape)
            _reserve(self._path)
        except OSError:
            self.remove()
            raise

    def reopen(self, made: Iterable[str]) -> None:
        """Begin with a copy of the finished file, whose rows were ``made`` from that; "" is none.

        A copy, since the file may have a second name under which it is still used.
        """
        self.remove()
        shutil.copyfile(self._finished, self._path)
        self.record({row: fingerprint for row, fingerprint in enumerate(made) if fingerprint})

    def keep(self, made: Mapping[int, str]) -> None:
        """Forget all rows but these before others are written to: noted are what they hold."""
        self._journal.unlink(missing_ok=True)
        self.record(made)

    def record(self, made: Mapping[int, str]) -> None:
        """Flush the rows and note them, with what they were made from."""
        if made:
            flush(self._path)
            lines = "".join(json.dumps(entry) + "\n" for entry in made.items())
            with self._journal.open("a") as file:
                file.write(lines)

    def finish(self) -> int:
        """Give the file its name, and return its size in bytes."""
        flush(self._path)
        self._path.replace(self._finished)
        self._journal.unlink(missing_ok=True)
        return self._finished.stat().st_size

    def remove(self) -> None:
        """Remove what there is of it."""
        self._path.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)
