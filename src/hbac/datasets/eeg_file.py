"""One EEG file: a column a channel, a row a sample."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

from hbac.datasets.file import FileDataset
from hbac.datasets.parquet import columns_to_array, read_table
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.spectrogram import WINDOW_SECONDS

MIN_SAMPLES = WINDOW_SECONDS * SAMPLING_RATE


class EEGDataset(FileDataset):
    """Parquet of 20 channels in microvolts at 200 Hz, read and written as a ``Recording``."""

    def _read(self, path: str) -> Recording:
        """Read a recording.

        Raises:
            DatasetError: if the file is not parquet, a channel is missing, repeats or is not
                numeric, or there are fewer than 10,000 samples; the message names the file.
        """
        data = columns_to_array(read_table(self._fs, path), CHANNELS, path)
        if data.shape[1] < MIN_SAMPLES:
            raise DatasetError(
                f"{path} holds {data.shape[1]} samples; at least {MIN_SAMPLES} are needed "
                f"({WINDOW_SECONDS} s at {SAMPLING_RATE} Hz)"
            )
        return Recording(data, CHANNELS, SAMPLING_RATE)

    def _write(self, path: str, data: Recording) -> None:
        recording = data.pick(CHANNELS)
        with self._fs.open(path, "wb") as file:
            pq.write_table(pa.table(dict(zip(CHANNELS, recording.data, strict=True))), file)
