"""One regional spectrogram file: a row every 2 s, 100 frequencies of four chains."""

from __future__ import annotations

import numpy as np
import pandas as pd
from kedro.io.core import DatasetError

from hbac.datasets.file import FileDataset
from hbac.datasets.parquet import KIND, MOST_HOURS, read_columns, rows_of
from hbac.eeg.regional import COLUMNS, ROW_SECONDS, WINDOW_ROWS, rows_by_time


class RegionalSpectrogramDataset(FileDataset):
    """Parquet of ``time`` and 400 power columns.

    Read as the power alone, shape ``(rows, 400)``, float32, columns in the order of
    ``hbac.eeg.regional.COLUMNS``, NaN kept; row ``k`` is that of second ``2 k + 1``, NaN where the
    file has none. Written from a data frame with all 401 columns.

    Args:
        most_hours: length past which a file is refused before it is decoded.
        kwargs: as of ``FileDataset``.
    """

    kind = KIND

    def __init__(self, *, most_hours: float = MOST_HOURS, **kwargs):
        super().__init__(**kwargs)
        self._most_rows = rows_of(most_hours, 1 / ROW_SECONDS)

    def _read(self, path: str) -> np.ndarray:
        """Read the power, each row in the place of its time.

        Raises:
            DatasetError: if the file is not parquet, or too long; a column is missing, repeats or
                is not numeric; a value is infinite, or all are missing; there are fewer than 300
                rows; or their times are none that rows of 2 s can have. The message names the file.
        """
        array, peaks = read_columns(
            self._fs, path, ("time", *COLUMNS), most_rows=self._most_rows, order="F"
        )
        if len(array) and np.isnan(peaks[1:]).all():
            raise DatasetError(f"{path} holds no value: every column is missing throughout")
        try:
            power = rows_by_time(array[:, 1:], array[:, 0])
        except ValueError as error:
            raise DatasetError(f"{path}: {error}") from error
        if len(power) < WINDOW_ROWS:
            raise DatasetError(
                f"{path} holds {len(power)} rows; at least {WINDOW_ROWS} are needed (10 minutes)"
            )
        return power

    def _write(self, path: str, data: pd.DataFrame) -> None:
        data[["time", *COLUMNS]].to_parquet(path, index=False)
