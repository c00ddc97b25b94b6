"""One regional spectrogram file: a row every 2 s, 100 frequencies of four chains."""

from __future__ import annotations

import numpy as np
import pandas as pd
from kedro.io.core import DatasetError

from hbac.datasets.file import FileDataset
from hbac.datasets.parquet import read_columns
from hbac.eeg.regional import COLUMNS, WINDOW_ROWS


class RegionalSpectrogramDataset(FileDataset):
    """Parquet of ``time`` and 400 power columns.

    Read as the power alone, shape ``(rows, 400)``, float32, columns in the order of
    ``hbac.eeg.regional.COLUMNS``, NaN kept; written from a data frame with all 401 columns.
    """

    def _read(self, path: str) -> np.ndarray:
        """Read the power.

        Raises:
            DatasetError: if the file is not parquet; a column is missing, repeats or is not
                numeric; a value is infinite, or all are missing; or there are fewer than 300
                rows. The message names the file.
        """
        power, peaks = read_columns(self._fs, path, COLUMNS, also=("time",), order="C")
        if len(power) < WINDOW_ROWS:
            raise DatasetError(
                f"{path} holds {len(power)} rows; at least {WINDOW_ROWS} are needed (10 minutes)"
            )
        if np.isnan(peaks).all():
            raise DatasetError(f"{path} holds no value: every column is missing throughout")
        return power

    def _write(self, path: str, data: pd.DataFrame) -> None:
        data[["time", *COLUMNS]].to_parquet(path, index=False)
