"""What a folder of partitions was made from, so that a later run makes only what has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec

from hbac.datasets.file import replacing

FOLDER = ".hbac"


class Manifest:
    """The fingerprint of every finished partition of a folder, kept beside them in ``.hbac``.

    Finished partitions are appended to a journal line by line, so that a run that is killed
    loses at most the partition it was at; a run that ends folds the journal into one file.

    Args:
        fs: file system of the folder.
        folder: path of the partitions.
    """

    def __init__(self, fs: fsspec.AbstractFileSystem, folder: str):
        self._fs = fs
        self._path = f"{folder}/{FOLDER}/manifest.json"
        self._journal = f"{folder}/{FOLDER}/journal.jsonl"

    def _settled(self) -> dict[str, Any]:
        if not self._fs.exists(self._path):
            return {"complete": False, "partitions": {}}
        return json.loads(self._fs.read_text(self._path))

    def _unsettled(self) -> Iterator[tuple[str, str]]:
        """Entries of the journal; a last line that was cut off by a kill is left out."""
        if self._fs.exists(self._journal):
            for line in self._fs.read_text(self._journal).split("\n")[:-1]:
                yield tuple(json.loads(line))

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of each finished partition."""
        return self._settled()["partitions"] | dict(self._unsettled())

    @property
    def complete(self) -> bool:
        """Whether the last run that wrote here came to its end."""
        return self._settled()["complete"]

    def _write(self, *, complete: bool, partitions: dict[str, str]) -> None:
        with replacing(self._fs, self._path) as path:
            self._fs.write_text(path, json.dumps({"complete": complete, "partitions": partitions}))
        if self._fs.exists(self._journal):
            self._fs.rm(self._journal)

    @contextmanager
    def recording(self) -> Iterator[Any]:
        """Open the folder for writing; yields ``record(partition, fingerprint)``.

        The folder counts as complete only once the block has ended without an error.
        """
        finished = self.fingerprints()
        self._write(complete=False, partitions=finished)
        with self._fs.open(self._journal, "ab") as journal:

            def record(partition: str, fingerprint: str) -> None:
                finished[partition] = fingerprint
                journal.write(json.dumps([partition, fingerprint]).encode() + b"\n")
                journal.flush()

            yield record
        self._write(complete=True, partitions=finished)
