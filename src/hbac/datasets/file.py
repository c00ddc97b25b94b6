"""One file on any fsspec file system: the base of the project's datasets."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
from kedro.io.core import AbstractDataset, get_protocol_and_path


@contextmanager
def replacing(fs: fsspec.AbstractFileSystem, path: str) -> Iterator[str]:
    """Yield a path beside ``path`` to write to, which takes its place once the block is done.

    No reader ever sees a half-written file, and a block that raises leaves nothing behind.
    """
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    temporary = f"{folder}/.{stem or suffix}.{uuid.uuid4().hex}{dot}{suffix}"
    fs.makedirs(folder, exist_ok=True)
    try:
        yield temporary
        fs.mv(temporary, path)
    finally:
        if fs.exists(temporary):
            fs.rm(temporary)


class FileDataset(AbstractDataset):
    """A dataset of one file, written atomically.

    Subclasses say what the file holds by ``_read(path)`` and ``_write(path, data)``.

    Args:
        filepath: path or URL of the file.
        credentials: passed to the file system.
        fs_args: further arguments of the file system.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        protocol, self._filepath = get_protocol_and_path(str(filepath))
        self._fs = fsspec.filesystem(protocol, **(credentials or {}), **(fs_args or {}))
        self.metadata = metadata

    @abstractmethod
    def _read(self, path: str) -> Any: ...

    @abstractmethod
    def _write(self, path: str, data: Any) -> None: ...

    def load(self) -> Any:
        """Read the file."""
        return self._read(self._filepath)

    def save(self, data: Any) -> None:
        """Write the file, atomically."""
        with replacing(self._fs, self._filepath) as path:
            self._write(path, data)

    def _exists(self) -> bool:
        self._fs.invalidate_cache()
        return self._fs.exists(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
