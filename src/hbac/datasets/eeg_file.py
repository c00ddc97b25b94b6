"""One EEG file: a column a channel, a row a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

from hbac.datasets.file import FileDataset
from hbac.datasets.parquet import KIND, MOST_HOURS, count_rows, largest, read_columns, rows_of
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.shape import WINDOW_SECONDS

if TYPE_CHECKING:
    from hbac.formats import RecordingFile

MIN_SAMPLES = WINDOW_SECONDS * SAMPLING_RATE

MAX_MICROVOLTS = 1e8
"""No amplifier gives 100 V: what is beyond is no EEG, and its power overflows float32."""


def _check(path: str, n_samples: int, channels: tuple[str, ...], peaks: np.ndarray) -> None:
    """Refuse what is too short, holds nothing, or can't be EEG."""
    if n_samples < MIN_SAMPLES:
        raise DatasetError(
            f"{path} holds {n_samples} samples; at least {MIN_SAMPLES} are needed "
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


def _open(path: str) -> RecordingFile:
    """Open a recording of another format that holds electrodes."""
    # Workers that read parquet alone start sooner without it.
    from hbac.formats import UnreadableRecordingError, open_recording

    try:
        recording = open_recording(path)
    except UnreadableRecordingError as error:
        raise DatasetError(str(error)) from None
    if recording.channels != CHANNELS:
        raise DatasetError(
            f"{path} is bipolar already, and windows are made of electrodes; the pipeline "
            "recordings reads it"
        )
    return recording


class EEGDataset(FileDataset):
    """20 channels in microvolts at 200 Hz, read and written as a ``Recording``.

    Written as parquet; read from that, and from files of this machine in every format that
    ``hbac.formats`` reads.

    Args:
        most_hours: length past which parquet is refused before it is decoded.
        kwargs: as of ``FileDataset``.
    """

    kind = KIND
    also_read = (".edf", ".bdf", ".vhdr", ".lay")

    def __init__(self, *, most_hours: float = MOST_HOURS, **kwargs):
        super().__init__(**kwargs)
        self._most_rows = rows_of(most_hours, SAMPLING_RATE)

    def _read(self, path: str, channels: tuple[str, ...] = CHANNELS) -> Recording:
        """Read a recording.

        Args:
            path: the file.
            channels: those to read; parquet must have all others, too.

        Raises:
            DatasetError: if the file is not parquet, or a recording of another format; a channel is
                missing, repeats or is not numeric; a value that is read is infinite or beyond
                100 V, or all are missing; or there are fewer than 10,000 samples, or too many. The
                message names the file.
        """
        if path.lower().endswith(self.also_read):
            recording = _open(path)
            data = recording.read(0, recording.duration, channels).data
            peaks = largest(data.T)
        else:
            columns, peaks = read_columns(
                self._fs, path, channels, also=CHANNELS, most_rows=self._most_rows, order="F"
            )
            data = columns.T
        _check(path, data.shape[1], channels, peaks)
        return Recording(data, channels, SAMPLING_RATE)

    def _length(self, path: str) -> int:
        if path.lower().endswith(self.also_read):
            return round(_open(path).duration * SAMPLING_RATE)
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
