"""What a folder of partitions was made from, so that a later run makes only what has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from hbac.datasets.file import replacing

FOLDER = ".hbac"

_SECONDS_BETWEEN_WRITES = 5.0


class _Journal:
    """Lines that are on disk as soon as they are written, or soon after on an object store.

    A local file is appended to. An object cannot be: there, lines are collected for some
    seconds and then written as an object of their own.
    """

    def __init__(self, fs: fsspec.AbstractFileSystem, folder: str):
        self._fs = fs
        self._folder = folder
        self._local = isinstance(fs, LocalFileSystem)
        self._lines: list[str] = []
        self._n_written = 0
        self._last = time.monotonic()

    def paths(self) -> list[str]:
        """Its files, in the order in which they were written."""
        return sorted(self._fs.glob(f"{self._folder}/journal*.jsonl"))

    def read(self) -> Iterator[Any]:
        """Yield every entry; a line that a kill or a full disk cut off is left out."""
        for path in self.paths():
            for line in self._fs.read_text(path).splitlines():
                with suppress(ValueError):
                    yield json.loads(line)

    def write(self, entry: Any) -> None:
        """Add an entry."""
        self._lines.append(json.dumps(entry) + "\n")
        if self._local or time.monotonic() - self._last > _SECONDS_BETWEEN_WRITES:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if not self._lines:
            return
        content = "".join(self._lines).encode()
        if self._local:
            with open(f"{self._folder}/journal.jsonl", "ab") as file:
                file.write(content)
        else:
            self._fs.pipe_file(f"{self._folder}/journal-{self._n_written:06d}.jsonl", content)
        self._lines, self._last = [], time.monotonic()
        self._n_written += 1

    def remove(self) -> None:
        """Remove its files."""
        for path in self.paths():
            self._fs.rm(path)


class Manifest:
    """The fingerprint of every finished partition of a folder, kept beside them in ``.hbac``.

    Finished partitions are added to a journal, so that a run that is killed loses little more
    than what it was at; a run that ends folds the journal into one file.

    Args:
        fs: file system of the folder.
        folder: path of the partitions.
    """

    def __init__(self, fs: fsspec.AbstractFileSystem, folder: str):
        self._fs = fs
        self._path = f"{folder}/{FOLDER}/manifest.json"
        self._journal = _Journal(fs, f"{folder}/{FOLDER}")

    def _settled(self) -> dict[str, Any]:
        if not self._fs.exists(self._path):
            return {"complete": False, "partitions": {}}
        return json.loads(self._fs.read_text(self._path))

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each finished partition."""
        return self._settled()["partitions"] | dict(self._journal.read())

    @property
    def complete(self) -> bool:
        """Whether the last run that wrote here came to its end."""
        return self._settled()["complete"]

    def _settle(self, *, complete: bool, partitions: dict[str, str]) -> None:
        content = {"complete": complete, "partitions": dict(sorted(partitions.items()))}
        with replacing(self._fs, self._path) as path:
            Path(path).write_text(json.dumps(content))
        self._journal.remove()

    @contextmanager
    def recording(self) -> Iterator[Callable[[str, str], None]]:
        """Open the folder for writing; yields ``record(partition, fingerprint)``.

        The folder counts as complete only once the block has ended without an error.
        """
        finished = self.fingerprints()
        self._settle(complete=False, partitions=finished)

        def record(partition: str, fingerprint: str) -> None:
            finished[partition] = fingerprint
            self._journal.write((partition, fingerprint))

        try:
            yield record
        finally:
            self._journal.flush()
        self._settle(complete=True, partitions=finished)
