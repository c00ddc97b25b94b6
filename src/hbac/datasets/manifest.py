"""What a folder of partitions was made from, so that a later run makes only what has changed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import fsspec
from fsspec.implementations.local import LocalFileSystem

from hbac.datasets.file import remove_leftovers, replacing
from hbac.datasets.folder import FileState, Folder

FOLDER = ".hbac"

_SECONDS_BETWEEN_WRITES = 5.0


class Made(NamedTuple):
    """What is known of a finished partition.

    Attributes:
        fingerprint: what it was made from.
        size: of its file in bytes; None where nothing came of it, and there is none.
    """

    fingerprint: str
    size: int | None


@dataclass(frozen=True)
class Plan:
    """What a save does.

    Attributes:
        kept: finished partitions that would be made from the same again.
        todo: partitions to make.
        withdrawn: partitions whose files earlier saves made and this one does not name.
        pending: partitions whose files are its own to write or to remove, whatever becomes of it.
        is_done: whether there is nothing to do, and the record says so already.
    """

    kept: dict[str, Made]
    todo: list[str]
    withdrawn: list[str]
    pending: list[str]
    is_done: bool


@dataclass(frozen=True)
class Record:
    """What is known of a folder that runs write to.

    Attributes:
        complete: whether the last save came to its end.
        made: finished partitions.
        pending: partitions that an unfinished save was to make or to remove.
    """

    complete: bool = False
    made: dict[str, Made] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)

    def damaged(self, present: Mapping[str, FileState]) -> list[str]:
        """Finished partitions whose file is gone, has another size, or should not be there."""
        sizes = {name: state.size for name, state in present.items()}
        return [name for name, made in self.made.items() if sizes.get(name) != made.size]

    def _withdrawn(self, named: Container[str], present: Mapping[str, FileState]) -> list[str]:
        """Files that saves made and the next does not name.

        One with another size than the one that was made is somebody else's, unless it is empty.
        """
        sizes = {name: {0, made.size} for name, made in self.made.items()}
        pending = set(self.pending)
        return [
            name
            for name, state in present.items()
            if name not in named and (name in pending or state.size in sizes.get(name, ()))
        ]

    def plan(self, fingerprints: Mapping[str, str], present: Mapping[str, FileState]) -> Plan:
        """Say what a save does.

        Args:
            fingerprints: what each partition is to be made from.
            present: files that are there.
        """
        damaged = set(self.damaged(present))
        kept = {
            name: made
            for name, made in self.made.items()
            if fingerprints.get(name) == made.fingerprint and name not in damaged
        }
        todo = [name for name in fingerprints if name not in kept]
        known = self.made.keys() | self.pending
        withdrawn = self._withdrawn(fingerprints, present)
        pending = [name for name in todo if name in known or name not in present]
        is_done = self.complete and len(kept) == len(self.made) and not (todo or withdrawn)
        return Plan(kept, todo, withdrawn, pending + withdrawn, is_done)


class _Journal:
    """Lines that are on disk as soon as they are written, or soon after on an object store.

    A local file is appended to, and kept open. An object cannot be: there, lines are collected for
    some seconds and then written as an object of their own.
    """

    def __init__(self, fs: fsspec.AbstractFileSystem, folder: str):
        self._fs = fs
        self._folder = folder
        self._local = isinstance(fs, LocalFileSystem)
        self._file: FileIO | None = None
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

    def read(self) -> Iterator[tuple[str, Made]]:
        """Yield every entry; a line that a kill or a full disk cut off is left out."""
        for path in self.paths():
            for line in self._fs.cat_file(path).splitlines():
                with suppress(ValueError, TypeError):
                    partition, fingerprint, size = json.loads(line)
                    yield partition, Made(fingerprint, size)

    def write(self, partition: str, made: Made) -> None:
        """Add an entry."""
        self._lines.append(json.dumps([partition, *made]) + "\n")
        if self._local or time.monotonic() - self._last > _SECONDS_BETWEEN_WRITES:
            self.flush()

    def _append(self, content: bytes) -> None:
        # One that somebody has deleted meanwhile would take lines to nowhere.
        if self._file is None or not os.fstat(self._file.fileno()).st_nlink:
            self._file = FileIO(f"{self._folder}/journal.jsonl", "ab")
        while content:
            content = content[self._file.write(content) :]

    def flush(self) -> None:
        """Write what was collected."""
        if not self._lines:
            return
        content = "".join(self._lines).encode()
        if self._local:
            self._append(content)
        else:
            self._fs.pipe_file(f"{self._folder}/journal-{self._n_written:06d}.jsonl", content)
        self._lines, self._last = [], time.monotonic()
        self._n_written += 1

    def close(self) -> None:
        """Write what was collected; nothing is added after."""
        try:
            self.flush()
        finally:
            if self._file is not None:
                self._file.close()

    def remove(self) -> None:
        """Remove its files."""
        for path in self.paths():
            self._fs.rm_file(path)


class Manifest:
    """The record of a folder's finished partitions, kept beside them in ``.hbac``.

    Finished partitions are added to a journal, so that a run that is killed loses little more
    than what it was at; a run that ends folds the journal into one file.

    Args:
        fs: file system of the folder.
        folder: path of the partitions.
        name: tells this record from those of other kinds of files in the same folder; may be empty.
    """

    def __init__(self, fs: fsspec.AbstractFileSystem, folder: str, name: str = ""):
        place = "/".join(filter(None, (folder, FOLDER, name)))
        self._fs = fs
        self._path = f"{place}/manifest.json"
        self._journal = _Journal(fs, place)

    @classmethod
    def of(cls, folder: Folder) -> Manifest:
        """Return the record of a folder, and there of the files with its suffix."""
        name = "" if folder.suffix.startswith(".") else folder.suffix
        return cls(folder.fs, folder.path, name)

    def _settled(self) -> Record | None:
        try:
            content = json.loads(self._fs.cat_file(self._path))
            complete, partitions = content["complete"], content["partitions"]
            if "pending" not in content:  # An earlier version wrote it, which knew no sizes.
                return Record(complete, pending=list(partitions))
            made = {name: Made(*entry) for name, entry in partitions.items()}
            return Record(complete, made, content["pending"])
        except FileNotFoundError:
            return None
        # It was cut off.
        except (ValueError, TypeError, KeyError):
            return Record()

    def read(self) -> Record | None:
        """Return what is known, or None of a folder that no run of hbac ever wrote to."""
        settled, journal = self._settled(), dict(self._journal.read())
        if settled is None and not journal:
            return None
        settled = settled or Record()
        return replace(settled, made=settled.made | journal)

    def fingerprints(self) -> dict[str, str]:
        """What partitions were made from whose files are saves' own; empty where it is not known.

        Of an unfinished save some files may be there that nobody could note any more.
        """
        record = self.read() or Record()
        made = {name: made.fingerprint for name, made in record.made.items()}
        return dict.fromkeys(record.pending, "") | made

    def _settle(self, record: Record) -> None:
        content = {
            "complete": record.complete,
            "partitions": dict(sorted(record.made.items())),
            "pending": sorted(record.pending),
        }
        with replacing(self._fs, self._path) as path:
            Path(path).write_text(json.dumps(content))
        self._journal.remove()

    @contextmanager
    def recording(self, plan: Plan) -> Iterator[Callable[[str, Made], None]]:
        """Open the folder for writing; yields ``record(partition, made)``.

        The folder counts as complete only once the block has ended without an error.

        Args:
            plan: what will be done. All partitions but those that it keeps are forgotten at once:
                a run that is killed may have replaced a file without having said so.
        """
        finished = dict(plan.kept)
        remove_leftovers(self._fs, *self._path.rsplit("/", 1))
        if plan.is_done:
            self._journal.remove()
        else:
            self._settle(Record(made=finished, pending=plan.pending))

        def record(partition: str, made: Made) -> None:
            finished[partition] = made
            self._journal.write(partition, made)

        try:
            yield record
        finally:
            self._journal.close()
        if not plan.is_done:
            self._settle(Record(complete=True, made=finished))
