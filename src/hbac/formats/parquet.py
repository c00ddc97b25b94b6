"""The competition's layout: parquet, a column a channel, a row a sample, microvolts at 200 Hz."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hbac.eeg.recording import SAMPLING_RATE
from hbac.formats.limits import Limits, UnreadableRecordingError
from hbac.formats.source import Signal, Source, Stretch

_VALUE_BYTES = 4


@dataclass(frozen=True)
class ParquetSource(Source):
    """A parquet file.

    Attributes:
        borders: first row of each row group, and the number of rows.
        changed: what tells this state of the file from others.
    """

    borders: tuple[int, ...]
    changed: tuple[int, int]

    def read(self, signals: list[int], first: int, last: int) -> np.ndarray:
        """See ``Source.read``."""
        names = tuple(self.signals[index].label for index in signals)
        values = np.empty((len(signals), last - first), np.float32)
        for group, (begin, end) in enumerate(zip(self.borders, self.borders[1:], strict=False)):
            known = max(first, begin), min(last, end)
            if known[0] < known[1]:
                columns = _row_group(self.path, self.changed, group, names)
                part = columns[:, known[0] - begin : known[1] - begin]
                values[:, known[0] - first : known[1] - first] = part
        return values


@lru_cache(maxsize=2)
def _row_group(
    path: str, changed: tuple[int, int], group: int, names: tuple[str, ...]
) -> np.ndarray:
    """Columns of a row group, shape ``(columns, rows)``; those of the last two are kept."""
    with pq.ParquetFile(path) as file:
        table = file.read_row_group(group, columns=list(names), use_threads=False)
    values = np.empty((len(names), table.num_rows), np.float32)
    for row, name in zip(values, names, strict=True):
        column = table.column(name)
        if not pa.types.is_floating(column.type):
            column = column.cast(pa.float64(), safe=False)
        row[:] = column.to_numpy(zero_copy_only=False)
    return values


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)


def _check_size(metadata: pq.FileMetaData, size: int, limits: Limits) -> None:
    """Refuse what unfolds beyond its limits, before any of it is decoded."""
    unfolded = metadata.num_rows * metadata.num_columns * _VALUE_BYTES
    if unfolded > limits.most_unfolding * size:
        raise UnreadableRecordingError(
            f"its {size} bytes unfold to {unfolded}, {unfolded / size:.0f} times as many; "
            f"most_unfolding = {limits.most_unfolding:g} are read"
        )
    rows = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    largest = max(rows, default=0) * metadata.num_columns * _VALUE_BYTES
    if largest > limits.most_bytes_at_once:
        raise UnreadableRecordingError(
            f"a row group unfolds to {largest} bytes, more than most_bytes_at_once = "
            f"{limits.most_bytes_at_once}; write it again in smaller row groups"
        )


def open_parquet(path: str, limits: Limits) -> ParquetSource:
    """Open a parquet file in the competition's layout, reading its metadata alone.

    Args:
        path: the file.
        limits: how much it may hold, unfolded.

    Raises:
        UnreadableRecordingError: if it holds no data, or more than the limits allow.
        OSError: if the file can't be opened.
        pyarrow.ArrowException: if it is not parquet.
    """
    status = os.stat(path)
    with pq.ParquetFile(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
    if not metadata.num_rows:
        raise UnreadableRecordingError("it holds no data: it has no rows")
    _check_size(metadata, status.st_size, limits)
    rows = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    rate = Fraction(SAMPLING_RATE)
    return ParquetSource(
        path=path,
        format="parquet",
        start=None,
        signals=tuple(
            Signal(field.name, "uV", rate, fault="" if _is_number(field.type) else "no numbers")
            for field in schema
        ),
        stretches=(Stretch(0.0, metadata.num_rows / rate, Fraction(0)),),
        annotations=(),
        remarks=(),
        borders=(0, *map(int, np.cumsum(rows))),
        changed=(status.st_size, status.st_mtime_ns),
    )
