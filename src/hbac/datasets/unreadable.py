"""The error for a file that can't be read: its path, what it looks like, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
from kedro.io.core import DatasetError

from hbac.appearance import N_SHOWN, appearance

_NOT_OF_CONTENT = (FileNotFoundError, PermissionError, ConnectionError, TimeoutError, ImportError)


def _look(fs: fsspec.AbstractFileSystem, path: str, reason: object) -> str:
    """Say what a file looks like; to look at it must not be a fault of its own."""
    try:
        if fs.isdir(path):
            return "it is a folder: put one file in its place"
        return appearance(fs.size(path), fs.cat_file(path, start=0, end=N_SHOWN), reason)
    except Exception as error:
        return str(error)


def unreadable(fs: fsspec.AbstractFileSystem, path: str, kind: str, reason: object) -> DatasetError:
    """Make the error for a file that can't be read.

    Args:
        fs: where the file lies.
        path: the file, as the user knows it.
        kind: what it should be, such as ``a readable parquet file``.
        reason: what its reader said.
    """
    return DatasetError(f"{path} is not {kind}; {_look(fs, path, reason)}")


@contextmanager
def reading(fs: fsspec.AbstractFileSystem, path: str, kind: str) -> Iterator[None]:
    """Turn whatever a reader raises within the block into an error that names the file.

    Bytes that are not what their name says were seen to raise about everything. What says nothing
    of the file's content passes as it is: no such file, permission, connection or module.

    Args:
        fs: as of ``unreadable``, and so for the next two.
        path: see there.
        kind: see there.
    """
    try:
        yield
    except (DatasetError, *_NOT_OF_CONTENT):
        raise
    except Exception as error:
        raise unreadable(fs, path, kind, error) from error
