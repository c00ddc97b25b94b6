"""One EEG file: a column a channel, a row a sample."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

from hbac.datasets.file import FileDataset
from hbac.datasets.parquet import KIND, count_rows, read_columns
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.spectrogram import WINDOW_SECONDS

MIN_SAMPLES = WINDOW_SECONDS * SAMPLING_RATE

MAX_MICROVOLTS = 1e8
"""No amplifier gives 100 V: what is beyond is no EEG, and its power overflows float32."""


class EEGDataset(FileDataset):
    """Parquet of 20 channels in microvolts at 200 Hz, read and written as a ``Recording``."""

    kind = KIND

    def _read(self, path: str, channels: tuple[str, ...] = CHANNELS) -> Recording:
        """Read a recording.

        Args:
            path: the file.
            channels: those to read; the file must have all others, too.

        Raises:
            DatasetError: if the file is not parquet; a channel is missing, repeats or is not
                numeric; a value that is read is infinite or beyond 100 V, or all are missing; or
                there are fewer than 10,000 samples. The message names the file.
        """
        columns, peaks = read_columns(self._fs, path, channels, also=CHANNELS, order="F")
        data = columns.T
        if data.shape[1] < MIN_SAMPLES:
            raise DatasetError(
                f"{path} holds {data.shape[1]} samples; at least {MIN_SAMPLES} are needed "
                f"({WINDOW_SECONDS} s at {SAMPLING_RATE} Hz)"
            )
        if np.isnan(peaks).all():
            raise DatasetError(f"{path} holds no value: every channel is missing throughout")
        if (peaks > MAX_MICROVOLTS).any():
            worst = int(np.nanargmax(peaks))
            raise DatasetError(
                f"{path}: column {channels[worst]!r} reaches {peaks[worst]:g} microvolts; "
                f"EEG stays within {MAX_MICROVOLTS:g}"
            )
        return Recording(data, channels, SAMPLING_RATE)

    def _length(self, path: str) -> int:
        return count_rows(self._fs, path)

    def _write(self, path: str, data: Recording) -> None:
        """Write a recording.

        Raises:
            ValueError: if it is not at 200 Hz, which the file would not tell; or lacks a channel.
        """
        if data.sampling_rate != SAMPLING_RATE:
            raise ValueError(
                f"sampling_rate must be {SAMPLING_RATE} Hz, received {data.sampling_rate:g}: the "
                "file has no place for another; resample the recording first"
            )
        recording = data.pick(CHANNELS)
        pq.write_table(pa.table(dict(zip(CHANNELS, recording.data, strict=True))), path)
