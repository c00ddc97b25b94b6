"""A small record of plain values, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import JSONPreview

from hbac.datasets.file import FileDataset


class RecordDataset(FileDataset):
    """Nested dicts, lists, strings and numbers; kedro-viz shows them."""

    kind = "JSON"

    def _read(self, path: str) -> Any:
        return json.loads(self._fs.read_text(path))

    def _write(self, path: str, data: Any) -> None:
        Path(path).write_text(json.dumps(data, indent=2, allow_nan=False) + "\n")

    def preview(self) -> JSONPreview:
        """Return the file's text for kedro-viz."""
        return JSONPreview(self._fs.read_text(self._filepath))
