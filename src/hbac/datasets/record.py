"""A small record of plain values, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kedro.io import DatasetError
from kedro_datasets._typing import JSONPreview

from hbac.datasets.file import FileDataset


class RecordDataset(FileDataset):
    """Nested dicts, lists, strings and numbers; kedro-viz shows them.

    Args:
        filepath: path or URL of the file.
        needs: what a record must say, without which nothing can be done with it.
        **options: as ``FileDataset``.
    """

    kind = "JSON"

    def __init__(self, *, filepath: str, needs: Sequence[str] = (), **options: Any):
        super().__init__(filepath=filepath, **options)
        self._needs = tuple(needs)

    def load(self) -> Any:
        """Read the file.

        Raises:
            DatasetError: if it can't be read or does not say what is needed.
        """
        data = super().load()
        lacking = [name for name in self._needs if not isinstance(data, dict) or not data.get(name)]
        if lacking:
            raise DatasetError(
                f"{self._filepath} must say {' and '.join(self._needs)}, and lacks "
                f"{' and '.join(lacking)}: copy the whole file of the run "
                "that made it, or make it again"
            )
        return data

    def _read(self, path: str) -> Any:
        return json.loads(self._fs.read_text(path))

    def _write(self, path: str, data: Any) -> None:
        Path(path).write_text(json.dumps(data, indent=2, allow_nan=False) + "\n")

    def preview(self) -> JSONPreview:
        """Return the file's text for kedro-viz."""
        return JSONPreview(self._fs.read_text(self._filepath))
