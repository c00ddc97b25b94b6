"""A file as it is, such as a network that is copied from one run to another."""

from __future__ import annotations

from pathlib import Path

from hbac.datasets.file import FileDataset


class BytesDataset(FileDataset):
    """The bytes of a file, which nobody looks into."""

    kind = "a file"

    def _read(self, path: str) -> bytes:
        return self._fs.cat_file(path)

    def _write(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)
