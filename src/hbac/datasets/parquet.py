"""Reading a parquet file's columns to one array, with errors that name file and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io.core import DatasetError

_N_NAMED = 5


def _few(names: Sequence[str]) -> str:
    """Name a few columns and count the rest."""
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return f"the columns {', '.join(map(repr, names[:_N_NAMED]))}{more}"


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
    for field in schema:
        numeric = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        if field.name in required and not numeric:
            raise DatasetError(f"{path}: column {field.name!r} must be numeric, it is {field.type}")


def _read_batch(content: bytes, columns: Sequence[str], required: Iterable[str], path: str):
    file = pq.ParquetFile(pa.BufferReader(content))
    _check_schema(file.schema_arrow, required, path)
    table = file.read(columns=list(columns), use_threads=False).select(list(columns))
    return table.combine_chunks().to_batches()


def read_columns(
    fs: fsspec.AbstractFileSystem,
    path: str,
    columns: Sequence[str],
    *,
    required: Iterable[str],
    order: Literal["C", "F"],
) -> np.ndarray:
    """Read columns of a parquet file on one thread, with one request to the file system.

    Args:
        fs: where the file lies.
        path: the file.
        columns: those to read.
        required: those that the file must have, each numeric.
        order: layout in memory, as of ``numpy.asarray``.

    Returns:
        Shape ``(rows, columns)``, float32, null as NaN.

    Raises:
        DatasetError: if the file is not parquet; a column is missing, repeats, or is not numeric;
            or a value that is read is infinite. The message names the file and the column.
    """
    content = fs.cat_file(path)
    try:
        batches = _read_batch(content, columns, required, path)
        tensors = [
            batch.to_tensor(null_to_nan=True, row_major=order == "C").to_numpy()
            for batch in batches
        ]
    except DatasetError:
        raise
    # Bytes that are no parquet were seen to raise about everything.
    except Exception as error:
        raise DatasetError(
            f"{path} is not a readable parquet file; it holds {len(content)} bytes and begins "
            f"with {content[:24]!r}: {error}"
        ) from error
    if not tensors:
        return np.empty((0, len(columns)), np.float32, order)
    with np.errstate(over="ignore"):
        array = np.asarray(tensors[0], np.float32, order)
    finite_or_nan = ~np.isinf(array).any(axis=0)
    if not finite_or_nan.all():
        name = columns[int(finite_or_nan.argmin())]
        raise DatasetError(f"{path}: column {name!r} holds an infinite value")
    return array
