"""A text file, such as a web page."""

from __future__ import annotations

from pathlib import Path

from hbac.datasets.file import FileDataset


class TextDataset(FileDataset):
    """Text in UTF-8."""

    kind = "text in UTF-8"

    def _read(self, path: str) -> str:
        return self._fs.read_text(path, encoding="utf-8")

    def _write(self, path: str, data: str) -> None:
        Path(path).write_text(data, encoding="utf-8")

    def _exists(self) -> bool:
        """Whether the file is there, which may be an empty text."""
        self._fs.invalidate_cache()
        return self._fs.exists(self._filepath)
