"""A table as CSV or parquet, written atomically like every other file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import pandas as pd
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset

_CSV = ".csv"


class TableDataset(FileDataset):
    """A data frame: CSV where the file's name says so, else parquet.

    Kedro's own datasets of tables write in place: what a killed run leaves half-written is there,
    and is taken for whole.

    Args:
        index: whether the first column of CSV is the frame's index; otherwise CSV has none.
        text: columns of CSV that are text as it stands: ``007`` is no number, nor empty text NaN.
        file_options: those of ``FileDataset``.
    """

    kind = "a readable table"

    def __init__(self, *, index: bool = False, text: Sequence[str] = (), **file_options: Any):
        super().__init__(**file_options)
        self._index = index
        self._text = tuple(text)

    def _read(self, path: str) -> pd.DataFrame:
        with self._fs.open(path, "rb") as file:
            if path.endswith(_CSV):
                return self._read_csv(file)
            return pd.read_parquet(file)

    def _read_csv(self, file: BinaryIO) -> pd.DataFrame:
        index = 0 if self._index else None
        if not self._text:
            return pd.read_csv(file, index_col=index)
        # "NA" is a text like any other: nothing but an empty field was NaN when it was written.
        missing = {"keep_default_na": False, "na_values": [""]}
        kinds = dict.fromkeys(self._text, str)
        table = pd.read_csv(file, index_col=index, dtype=kinds, **missing)
        return table.fillna(dict.fromkeys(self._text, ""))

    def _write(self, path: str, data: pd.DataFrame) -> None:
        if path.endswith(_CSV):
            data.to_csv(path, index=self._index)
        else:
            data.to_parquet(path)

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        return self.load().head(nrows).to_dict(orient="split")
