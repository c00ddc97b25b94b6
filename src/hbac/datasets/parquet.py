"""Reading a parquet file's columns to one array, with errors that name file and value."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

from hbac.datasets.unreadable import reading

KIND = "a readable parquet file"
MOST_HOURS = 48
"""Hours of a file that is read whole; 2.8 GB of EEG."""

_N_NAMED = 5

_WIDE = 64
"""Columns from which on polars is worth its import: it takes 3 ms for 401 short ones where Arrow
takes 9."""


def _few(names: Sequence[str]) -> str:
    """Name a few columns and count the rest."""
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return f"the columns {', '.join(map(repr, names[:_N_NAMED]))}{more}"


def _is_numeric(kind: pa.DataType) -> bool:
    """Whether values are numbers, or all missing: pandas gives such a column no type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    numbers = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    return numbers or pa.types.is_null(kind)


def _check_schema(schema: pa.Schema, required: Iterable[str], path: str) -> None:
    names = schema.names
    present, required = set(names), dict.fromkeys(required)
    if len(present) < len(names):
        repeated = [name for name, times in Counter(names).items() if times > 1]
        raise DatasetError(f"{path} holds the columns {repeated} more than once")
    missing = [name for name in required if name not in present]
    if missing:
        unknown = [name for name in names if name not in required]
        raise DatasetError(
            f"{path} lacks {_few(missing)}"
            + (f" and has, unknown, {_few(unknown)}" if unknown else "")
        )
    odd = {kind for kind in set(schema.types) if not _is_numeric(kind)}
    for field in schema if odd else ():
        if field.name in required and field.type in odd:
            raise DatasetError(f"{path}: column {field.name!r} must be numeric, it is {field.type}")


def _range_columns(schema: pa.Schema, n_rows: int) -> dict[str, np.ndarray]:
    """Index columns in even steps: pandas writes their ends and step alone, as metadata."""
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    ranges = {
        entry["name"]: np.arange(entry["start"], entry["stop"], entry["step"])
        for entry in index
        if isinstance(entry, dict) and entry["name"] not in (None, *schema.names)
    }
    return {name: row for name, row in ranges.items() if len(row) == n_rows}


def rows_of(hours: float, rows_a_second: float) -> int:
    """Rows of a file of so many hours.

    Raises:
        ValueError: if the hours are no positive number.
    """
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not hours > 0:
        raise ValueError(
            f"most_hours must be a positive number, received {hours!r}; the parameter is "
            "most_hours_at_once"
        )
    return round(hours * 3600 * rows_a_second)


def _check_rows(file: pq.ParquetFile, most: int, path: str) -> None:
    metadata = file.metadata
    groups = sum(metadata.row_group(k).num_rows for k in range(metadata.num_row_groups))
    n_rows = max(metadata.num_rows, groups)
    if n_rows > most:
        raise DatasetError(
            f"{path} says that it holds {n_rows} rows, and at most {most} are read at once; raise "
            "the parameter most_hours_at_once if it really does, or split the file"
        )


def _wide_array(content: bytes, columns: Sequence[str], most_rows: int) -> np.ndarray | None:
    """Many columns of numbers by polars, shape ``(rows, columns)``, null as NaN.

    None where Arrow has to say what is wrong, or to read what is rare: other types, an index that
    only pandas' metadata hold.
    """
    import polars as pl

    try:
        frame = pl.read_parquet(
            io.BytesIO(content),
            columns=list(columns),
            n_rows=most_rows + 1,
            use_statistics=False,
            parallel="none",
        )
    except (Exception, pl.exceptions.PanicException):
        return None
    kinds = set(frame.dtypes)
    if frame.height > most_rows or not all(kind.is_float() or kind.is_integer() for kind in kinds):
        return None
    if kinds != {pl.Float32}:
        frame = frame.cast(pl.Float32)
    return frame.select(columns).to_numpy(order="fortran")


def _read_table(
    content: bytes, columns: Sequence[str], also: Sequence[str], most_rows: int, path: str
) -> pa.Table:
    file = pq.ParquetFile(pa.BufferReader(content))
    _check_rows(file, most_rows, path)
    schema, required = file.schema_arrow, [*columns, *also]
    is_whole = set(required) <= set(schema.names)
    ranges = {} if is_whole else _range_columns(schema, file.metadata.num_rows)
    for name in ranges:
        schema = schema.append(pa.field(name, pa.int64()))
    _check_schema(schema, required, path)
    table = file.read(columns=[name for name in columns if name not in ranges], use_threads=False)
    for name in ranges.keys() & set(columns):
        table = table.append_column(name, pa.array(ranges[name]))
    return table if table.column_names == list(columns) else table.select(list(columns))


def _in_single_precision(table: pa.Table) -> pa.Table:
    """Numbers of any type as float32; what lies beyond becomes infinite.

    By way of float64, since Arrow's decimals lose their last digits on the straight way.
    """
    single, double = pa.float32(), pa.float64()
    for place, kind in enumerate(table.schema.types):
        if kind != single:
            column = table.column(place).cast(double, safe=False).cast(single, safe=False)
            table = table.set_column(place, table.field(place).name, column)
    return table


def _as_array(table: pa.Table, order: Literal["C", "F"]) -> np.ndarray:
    """Shape ``(rows, columns)``, null as NaN."""
    table = _in_single_precision(table)
    batches = table.to_batches()
    if len(batches) > 1:
        batches = table.combine_chunks().to_batches()
    if not batches:
        return np.empty((0, table.num_columns), np.float32)
    return batches[0].to_tensor(null_to_nan=True, row_major=order == "C").to_numpy()


def largest(array: np.ndarray) -> np.ndarray:
    """Largest absolute value of each column; NaN where there is none."""
    highest = np.fmax.reduce(array, axis=0, initial=np.nan)
    return np.fmax(highest, -np.fmin.reduce(array, axis=0, initial=np.nan))


def read_columns(
    fs: fsspec.AbstractFileSystem,
    path: str,
    columns: Sequence[str],
    *,
    also: Sequence[str] = (),
    most_rows: int,
    order: Literal["C", "F"],
) -> tuple[np.ndarray, np.ndarray]:
    """Read columns of a parquet file on one thread, from its bytes, which are read in one piece.

    Args:
        fs: where the file lies.
        path: the file.
        columns: those to read.
        also: those that the file must have as well.
        most_rows: most that a file may say it holds, before any are decoded.
        order: layout in memory, as of ``numpy.asarray``.

    Returns:
        The values, shape ``(rows, columns)``, float32, null as NaN, and the largest absolute
        value of each column, NaN where there is none.

    Raises:
        DatasetError: if the file is not parquet; it says that it holds too many rows; a column is
            missing, repeats, or is not numeric; or a value that is read is infinite. The message
            names the file and the column.
    """
    with reading(fs, path, KIND):
        content, array = fs.cat_file(path), None
        if len(columns) >= _WIDE and not also:
            array = _wide_array(content, columns, most_rows)
        if array is None:
            array = _as_array(_read_table(content, columns, also, most_rows, path), order)
    array = np.asarray(array, order=order)
    peaks = largest(array)
    infinite = np.isinf(peaks)
    if infinite.any():
        raise DatasetError(f"{path}: column {columns[infinite.argmax()]!r} holds an infinite value")
    return array, peaks


def count_rows(fs: fsspec.AbstractFileSystem, path: str) -> int:
    """Count the rows of a parquet file by its metadata alone."""
    with reading(fs, path, KIND), fs.open(path, "rb") as file:
        return pq.read_metadata(file).num_rows
