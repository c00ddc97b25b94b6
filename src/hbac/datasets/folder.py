"""A folder with a file a partition, named by the partition's id."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from numbers import Integral
from typing import Any, Literal, NamedTuple, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from hbac.datasets.file import FileDataset, flush, protocol_and_path, remove_leftovers
from hbac.datasets.fingerprint import task_fingerprint

_Task = TypeVar("_Task")

_reads: ContextVar[dict[tuple, Any] | None] = ContextVar("reads", default=None)
"""What was read within ``reading_once``, the first read first."""

_N_KEPT = 4
"""Files that are kept at once: recordings may be long."""

_N_SHOWN = 60

_CHANGED = ("mtime", "LastModified", "updated", "ETag")
"""What file systems call the time of the last change, or what stands for it."""

_NO_CONTENT = ("credentials", "metadata", "most_hours")
"""Arguments of a dataset that say nothing of what it reads and writes."""

_MAX_NAME_BYTES = 255 - len(".") - len(".") - 32
"""What file systems allow for a name, less what the hidden name of an unfinished file adds."""


def _fault(partition: str, suffix: str) -> str | None:
    """Why there can't be a file of a partition that is found again, or None where there can."""
    if not partition:
        return "it is empty"
    for character in ("/", "\0"):
        if character in partition:
            return f"it holds {character!r}"
    if partition.startswith("."):
        return "it begins with a dot, as hidden files do, which are never listed"
    try:
        n_bytes = len(f"{partition}{suffix}".encode())
    except UnicodeEncodeError as error:
        return f"it is no text in UTF-8 ({error})"
    if n_bytes > _MAX_NAME_BYTES:
        return f"with {suffix} it has {n_bytes} bytes, more than {_MAX_NAME_BYTES}"
    return None


def by_id(tasks: Mapping[Any, _Task], suffix: str) -> dict[str, _Task]:
    """Name what partitions are made from by their ids as text.

    Args:
        tasks: by id, text or a whole number.
        suffix: what follows the id in a file's name.

    Raises:
        ValueError: if an id cannot be that of a file, or two are the same; nothing was done then.
    """
    named: dict[str, _Task] = {}
    for key, task in tasks.items():
        if not isinstance(key, str | Integral) or isinstance(key, bool):
            raise ValueError(
                f"{key!r} is no id of a partition: ids are text or whole numbers, received "
                f"{type(key).__name__}"
            )
        partition = str(key)
        fault = "two partitions have it" if partition in named else _fault(partition, suffix)
        if fault:
            raise ValueError(f"{partition[:_N_SHOWN]!r} is no id of a partition: {fault}")
        named[partition] = task
    return named


@contextmanager
def reading_once() -> Iterator[None]:
    """Have a file that is read again within the block, in the same way, given as it was read.

    What is made of a file must therefore leave it as it is. Only the last few files are kept.
    """
    token = _reads.set({})
    try:
        yield
    finally:
        _reads.reset(token)


class FileState(NamedTuple):
    """What a listing says of a file: its size in bytes and when it last changed.

    ``suffix`` is what follows its partition's id where that is not the folder's.
    """

    size: int
    changed: str
    suffix: str = ""


def _local_state(entry: os.DirEntry) -> FileState:
    try:
        status = entry.stat()
    except OSError:  # A link that leads nowhere is there, and can't be read.
        return FileState(0, "")
    return FileState(status.st_size, str(status.st_mtime))


def _local_states(path: str) -> Iterator[tuple[str, FileState]]:
    """Names and states of a folder's files; of a link, those of the file that it leads to.

    fsspec takes twice as long, and knows when the link changed, not the file.
    """
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            yield entry.name, _local_state(entry)


def _states_elsewhere(fs: fsspec.AbstractFileSystem, path: str) -> Iterator[tuple[str, FileState]]:
    fs.invalidate_cache()
    with suppress(FileNotFoundError):
        for entry in fs.ls(path, detail=True):
            changed = next((str(entry[key]) for key in _CHANGED if entry.get(key)), "")
            yield entry["name"].rpartition("/")[2], FileState(entry["size"], changed)


@dataclass(frozen=True)
class Folder:
    """A folder on any fsspec file system. Small, and pickled once for many partitions.

    Attributes:
        url: path or URL.
        dataset_class: dataset of one file.
        dataset_args: its further arguments.
        suffix: what follows the id in a file's name, such as ``.npy``.
        identify_by: what tells one state of a file from another: ``modified`` is its size and
            the time of its last change, ``content`` a hash of its bytes.
        credentials: passed to the file system.
        fs_args: further arguments of the file system.
    """

    url: str
    dataset_class: type[FileDataset]
    dataset_args: dict[str, Any] = field(hash=False)
    suffix: str
    identify_by: Literal["modified", "content"] = "modified"
    credentials: dict[str, Any] | None = field(default=None, repr=False, hash=False)
    fs_args: dict[str, Any] | None = field(default=None, hash=False)

    @cached_property
    def _protocol_and_path(self) -> tuple[str, str]:
        return protocol_and_path(self.url)

    @property
    def protocol(self) -> str:
        """Protocol of the file system, ``file`` on this machine."""
        return self._protocol_and_path[0]

    @property
    def path(self) -> str:
        """Path without the protocol."""
        return self._protocol_and_path[1]

    @property
    def name(self) -> str:
        """Last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def fs(self) -> fsspec.AbstractFileSystem:
        """File system of the folder, one a process."""
        storage = (self.credentials or {}) | (self.fs_args or {})
        return fsspec.filesystem(self.protocol, **storage)

    def path_of(self, partition: str, suffix: str = "") -> str:
        """Path of a partition's file; ``suffix`` where that is not the folder's."""
        return f"{self.path}/{partition}{suffix or self.suffix}"

    @cached_property
    def dataset_identity(self) -> str:
        """What tells in which way files are read and written: the dataset's code and arguments."""
        arguments = {
            name: value for name, value in self.dataset_args.items() if name not in _NO_CONTENT
        }
        return task_fingerprint(partial(self.dataset_class, **arguments))

    def read(self, path: str, **options: Any) -> Any:
        """Read a partition by its path."""
        return _files_of(self).read(path, **options)

    def length(self, path: str) -> int:
        """Count the rows of a partition by its path, from its header where that says it."""
        return _files_of(self).length(path)

    def write(self, partition: str, data: Any) -> int:
        """Write a partition, atomically, and return its file's size in bytes.

        Only ``flush_together`` makes sure of it against a power cut: to wait for the disk after
        each file took longer than to make it.
        """
        return _files_of(self).write(self.path_of(partition), data, flushed=False)

    @property
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine."""
        return isinstance(self.fs, LocalFileSystem)

    def flush(self) -> None:
        """Have the names of its files on the disk."""
        if self.is_local:
            flush(self.path)

    def _states(self) -> Iterator[tuple[str, FileState]]:
        """Names and states of files that are not hidden; none where there is no folder."""
        states = (
            _local_states(self.path) if self.is_local else _states_elsewhere(self.fs, self.path)
        )
        return ((name, state) for name, state in states if not name.startswith("."))

    def list(self) -> dict[str, FileState]:
        """Files of the folder's suffix by their partition's id, ordered."""
        own = (
            (name.removesuffix(self.suffix), state)
            for name, state in self._states()
            if name.endswith(self.suffix)
        )
        return dict(sorted(own))

    def _readable(self) -> Iterator[tuple[str, FileState]]:
        """Ids and states of all files that the dataset reads."""
        also_read = self.dataset_class.also_read if self.is_local else ()
        for name, state in self._states():
            if name.endswith(self.suffix):
                yield name.removesuffix(self.suffix), state
                continue
            stem, dot, kind = name.rpartition(".")
            if f".{kind}".lower() in also_read:
                yield stem, state._replace(suffix=dot + kind)

    def list_readable(self) -> dict[str, FileState]:
        """All files that the dataset reads by their partition's id, ordered.

        Where an id has files of several formats, that of the folder's suffix counts. Other formats
        than that are read from this machine alone.
        """
        found = sorted(self._readable(), key=lambda one: one[1].suffix, reverse=True)
        return dict(sorted(dict(found).items()))

    def holds_readable(self) -> bool:
        """Whether there is a file that the dataset reads."""
        return any(True for _ in self._readable())

    def remove_leftovers(self) -> None:
        """Remove the unfinished files of a run that was killed."""
        remove_leftovers(self.fs, self.path, f".+{self.suffix}")

    def remove(self, partitions: Iterable[str]) -> None:
        """Remove files."""
        for partition in partitions:
            # rm() would take [ in an object's name for a pattern, and remove others.
            self.fs.rm_file(self.path_of(partition))


@lru_cache(maxsize=32)
def _files_of(folder: Folder) -> FileDataset:
    """Dataset that reads and writes every file of a folder, however often that was unpickled.

    To make one took as long as to write a file.
    """
    return folder.dataset_class(
        filepath=folder.url,
        credentials=folder.credentials,
        fs_args=folder.fs_args,
        **folder.dataset_args,
    )


@dataclass(frozen=True)
class PartitionLoader:
    """Reads one partition when called.

    Attributes:
        folder: where the partition lies.
        partition: its id.
        state: its file as it was listed.
        made_from: what a save made it from; empty where none did.
    """

    folder: Folder
    partition: str
    state: FileState
    made_from: str = ""

    def __call__(self, **options: Any) -> Any:
        """Read the partition; ``options`` are those of its dataset, as ``channels`` of EEG."""
        reads = _reads.get()
        if reads is None:
            return self.folder.read(self._path, **options)
        key = (self.folder.dataset_class, self._path, *sorted(options.items()))
        if key not in reads:
            if len(reads) == _N_KEPT:
                del reads[next(iter(reads))]
            reads[key] = self.folder.read(self._path, **options)
        return reads[key]

    def was_made_by(self, task: Callable[[], Any]) -> bool:
        """Whether a save wrote what a task would return now."""
        if not self.made_from:
            return False
        return self.made_from == task_fingerprint(task, written_by=self.folder.dataset_identity)

    def length(self) -> int:
        """Count the partition's rows, such as samples of EEG, without reading them."""
        return self.folder.length(self._path)

    @property
    def _path(self) -> str:
        return self.folder.path_of(self.partition, self.state.suffix)

    @property
    def counts_by_content(self) -> bool:
        """Whether the file must be read to identify it."""
        return self.folder.identify_by == "content"

    @cached_property
    def source_identity(self) -> tuple:
        """What tells this state of the file, and the way it is read, from others.

        Raises:
            OSError: if the file counts by its content and cannot be read.
        """
        reader = self.folder.dataset_identity
        if not self.counts_by_content:
            return (self.partition, self.state.size, self.state.changed, reader)
        with self.folder.fs.open(self._path, "rb") as file:
            return (self.partition, hashlib.file_digest(file, "blake2b").hexdigest(), reader)
