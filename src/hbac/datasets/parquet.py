"""Reading a parquet file's columns to one array, with errors that name file and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

_N_NAMED = 5


def read_table(fs: fsspec.AbstractFileSystem, path: str) -> pa.Table:
    """Read a parquet file on one thread.

    Raises:
        DatasetError: if the file is not parquet, or a column's name repeats.
    """
    with fs.open(path, "rb") as file:
        try:
            table = pq.ParquetFile(file).read(use_threads=False)
        except (pa.ArrowException, OSError) as error:
            file.seek(0)
            raise DatasetError(
                f"{path} is not a readable parquet file; it holds {fs.size(path)} bytes and "
                f"begins with {file.read(24)!r}: {error}"
            ) from error
    repeated = [name for name, times in Counter(table.column_names).items() if times > 1]
    if repeated:
        raise DatasetError(f"{path} holds the columns {repeated} more than once")
    return table


def _few(names: Sequence[str]) -> str:
    """Name a few columns and count the rest."""
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return f"the columns {', '.join(map(repr, names[:_N_NAMED]))}{more}"


def columns_to_array(table: pa.Table, columns: Sequence[str], path: str) -> np.ndarray:
    """Copy columns to a float32 array of shape ``(columns, rows)``, null as NaN.

    Raises:
        DatasetError: if a column is missing, is not numeric, or holds an infinite value.
    """
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        unknown = [name for name in table.column_names if name not in columns]
        raise DatasetError(
            f"{path} lacks {_few(missing)}"
            + (f" and has, unknown, {_few(unknown)}" if unknown else "")
        )
    array = np.empty((len(columns), table.num_rows), np.float32)
    for row, name in zip(array, columns, strict=True):
        column = table.column(name)
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise DatasetError(f"{path}: column {name!r} must be numeric, it is {column.type}")
        row[:] = column.to_numpy()
    if np.isinf(array).any():
        name = columns[int(np.argwhere(np.isinf(array))[0, 0])]
        raise DatasetError(f"{path}: column {name!r} holds an infinite value")
    return array
