"""One file on any fsspec file system: the base of the project's datasets."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import tempfile
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import AbstractDataset, get_protocol_and_path

from hbac.datasets.unreadable import reading


def protocol_and_path(url: str) -> tuple[str, str]:
    """Split a URL; ``s3://bucket/data//x`` is ``s3://bucket/data/x``, as for Kedro's datasets."""
    protocol, path = get_protocol_and_path(url)
    return protocol, str(PurePosixPath(path))


def remove_leftovers(fs: fsspec.AbstractFileSystem, folder: str, name: str) -> None:
    """Remove the unfinished files of runs that were killed.

    Args:
        fs: file system of the folder.
        folder: where to look; not below.
        name: regular expression of the finished files' names.
    """
    if not isinstance(fs, LocalFileSystem) or not Path(folder).is_dir():
        return
    stem, suffix = os.path.splitext(name)
    hidden = re.compile(rf"\.{stem}\.[0-9a-f]{{32}}{re.escape(suffix)}")
    for entry in os.scandir(folder):
        if entry.name.startswith(".") and hidden.fullmatch(entry.name):
            os.unlink(entry.path)


def flush(path: str | Path) -> None:
    """Have a file, or the names in a folder, on the disk, where a power cut leaves them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems flush no folders.
        if not (Path(path).is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP)):
            raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Linux's call that has all of a file system on its disk; None where there is none."""
    if os.name != "posix":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def _flush_file_system(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _syncfs()(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def flush_together(paths: Sequence[str]) -> None:
    """Have files on the disk, where a power cut leaves them, as ``flush`` has one.

    On Linux a file system is flushed once for all of its files, and whatever else waits for the
    disk: to flush each by itself took a tenth of the time in which EEG spectrograms are made.
    Linux before 5.8 does not tell by it that a disk has failed.

    Raises:
        OSError: if one of them is gone, or the disk doesn't take it.
    """
    if _syncfs() is None:
        for path in paths:
            flush(path)
        return
    of_each_system = {os.stat(path).st_dev: path for path in paths}
    for path in of_each_system.values():
        _flush_file_system(path)


@contextmanager
def _beside(path: str, flushed: bool) -> Iterator[str]:
    """Yield a hidden path in the same folder, which is renamed to ``path`` at the end."""
    folder, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    temporary = os.path.join(folder, f".{stem}.{uuid.uuid4().hex}{suffix}")
    if folder and not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
    try:
        yield temporary
        if flushed:
            flush(temporary)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if flushed:
        flush(folder or os.curdir)


@contextmanager
def _elsewhere(fs: fsspec.AbstractFileSystem, path: str) -> Iterator[str]:
    """Yield a local path, which is uploaded to ``path``, in one piece, at the end."""
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, Path(path).name)
        yield str(local)
        fs.put_file(str(local), path)


def replacing(
    fs: fsspec.AbstractFileSystem, path: str, *, flushed: bool = True
) -> AbstractContextManager[str]:
    """Return a context that gives a local path to write to, and takes the file to ``path``.

    No reader ever sees a half-written file, and a block that raises leaves nothing behind. Once
    the block has ended, a power cut leaves the file as it is.

    Args:
        fs: where the file lies.
        path: the file.
        flushed: whether a power cut must find it whole once the block has ended; without it, the
            caller sees to that by ``flush``.
    """
    return _beside(path, flushed) if isinstance(fs, LocalFileSystem) else _elsewhere(fs, path)


class FileDataset(AbstractDataset):
    """A dataset of one file, written atomically.

    Subclasses say what the file holds by ``_read(path)``, of a path on the dataset's file system,
    and ``_write(path, data)``, to a local path. Whatever ``_read`` raises becomes a
    ``DatasetError`` that says what the file looks like and that it is not ``kind``.

    Args:
        filepath: path or URL of the file.
        credentials: passed to the file system.
        fs_args: further arguments of the file system.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
    """

    kind: ClassVar[str] = "a readable file"
    also_read: ClassVar[tuple[str, ...]] = ()
    """Suffixes, in lower case, of files of other formats that ``_read`` takes as well."""

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        self._protocol, self._filepath = protocol_and_path(str(filepath))
        self._fs = fsspec.filesystem(self._protocol, **(credentials or {}), **(fs_args or {}))
        self.metadata = metadata

    @abstractmethod
    def _read(self, path: str) -> Any: ...

    @abstractmethod
    def _write(self, path: str, data: Any) -> None: ...

    def read(self, path: str, **options: Any) -> Any:
        """Read another file of the same kind; ``options`` are those of ``_read``."""
        with reading(self._fs, path, self.kind):
            return self._read(path, **options)

    def length(self, path: str) -> int:
        """Count the rows of another file of the same kind, by its header where that says it."""
        with reading(self._fs, path, self.kind):
            return self._length(path)

    def _length(self, path: str) -> int:
        return len(self._read(path))

    def write(self, path: str, data: Any, *, flushed: bool = True) -> int:
        """Write another file of the same kind, atomically, and return its size in bytes.

        ``flushed`` is that of ``replacing``.
        """
        with replacing(self._fs, path, flushed=flushed) as local:
            self._write(local, data)
            return os.path.getsize(local)

    def fetch(self, local: str) -> None:
        """Copy the file as it is to a path of this machine."""
        self._fs.get_file(self._filepath, local)

    def load(self) -> Any:
        """Read the file."""
        return self.read(self._filepath)

    def save(self, data: Any) -> None:
        """Write the file, atomically."""
        self.write(self._filepath, data)

    def _exists(self) -> bool:
        """Whether the file is there; no kind of file that holds something is empty."""
        self._fs.invalidate_cache()
        return self._fs.exists(self._filepath) and self._fs.size(self._filepath) > 0

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
