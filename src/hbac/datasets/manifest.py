"""What a folder of partitions was made from, so that a later run makes only what has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from hbac.datasets.file import remove_leftovers, replacing

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
        # A glob would take [ in the folder's own name for a pattern.
        with suppress(FileNotFoundError):
            names = self._fs.ls(self._folder, detail=False)
            return sorted(name for name in names if name.endswith(".jsonl"))
        return []

    def read(self) -> Iterator[tuple[str, str]]:
        """Yield every entry; a line that a kill or a full disk cut off is left out."""
        for path in self.paths():
            for line in self._fs.cat_file(path).splitlines():
                with suppress(ValueError, TypeError):
                    partition, fingerprint = json.loads(line)
                    yield partition, fingerprint

    def write(self, partition: str, fingerprint: str) -> None:
        """Add an entry."""
        self._lines.append(json.dumps([partition, fingerprint]) + "\n")
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
    def recording(self, todo: Collection[str]) -> Iterator[Callable[[str, str], None]]:
        """Open the folder for writing; yields ``record(partition, fingerprint)``.

        The folder counts as complete only once the block has ended without an error.

        Args:
            todo: what will be made. It is forgotten at once: a run that is killed may have
                replaced a file without having said so.
        """
        known = self.fingerprints()
        finished = {name: made_from for name, made_from in known.items() if name not in todo}
        remove_leftovers(self._fs, *self._path.rsplit("/", 1))
        self._settle(complete=False, partitions=finished)

        def record(partition: str, fingerprint: str) -> None:
            finished[partition] = fingerprint
            self._journal.write(partition, fingerprint)

        try:
            yield record
        finally:
            self._journal.flush()
        self._settle(complete=True, partitions=finished)
