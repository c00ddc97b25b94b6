"""What a file that can't be read looks like: its size, its first bytes, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
from kedro.io.core import DatasetError

_N_SHOWN = 24
_LFS_POINTER = b"version https://git-lfs"
_WEB_PAGE = (b"<!doctype", b"<html")


def _remedy(first: bytes) -> str:
    """What to do about a file that begins with some bytes."""
    if first.startswith(_LFS_POINTER):
        return "It is a pointer of Git LFS: `git lfs pull` fetches the file itself"
    if first.lower().startswith(_WEB_PAGE):
        return "It is a web page, as a download without a login leaves: download the file again"
    return "If it was cut off or damaged, copy or download it again"


def _appearance(fs: fsspec.AbstractFileSystem, path: str, reason: object) -> str:
    """Size, first bytes, reason and remedy; looking at the file must not be a fault of its own."""
    try:
        if fs.isdir(path):
            return "it is a folder"
        size, first = fs.size(path), fs.cat_file(path, start=0, end=_N_SHOWN)
    except OSError as error:
        return str(error)
    said = str(reason).rstrip(".")
    return f"it holds {size} bytes and begins with {first!r}: {said}. {_remedy(first)}"


def unreadable(fs: fsspec.AbstractFileSystem, path: str, kind: str, reason: object) -> DatasetError:
    """Make the error for a file that can't be read.

    Args:
        fs: where the file lies.
        path: the file, as the user knows it.
        kind: what it should be, such as ``a readable parquet file``.
        reason: what its reader said.
    """
    return DatasetError(f"{path} is not {kind}; {_appearance(fs, path, reason)}")


@contextmanager
def reading(fs: fsspec.AbstractFileSystem, path: str, kind: str) -> Iterator[None]:
    """Turn whatever a reader raises within the block into an error that names the file.

    Bytes that are not what their name says were seen to raise about everything. A file that is
    not there, and a ``DatasetError``, pass as they are.

    Args:
        fs: as of ``unreadable``, and so for the next two.
        path: see there.
        kind: see there.
    """
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:
        if not fs.exists(path):
            raise
        raise unreadable(fs, path, kind, error) from error
