"""A file of another program's format, as the bytes that are in it."""

from __future__ import annotations

from pathlib import Path

from hbac.datasets.file import FileDataset


class BytesDataset(FileDataset):
    """Bytes, which are written as they are."""

    def _read(self, path: str) -> bytes:
        return self._fs.cat_file(path)

    def _write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)
