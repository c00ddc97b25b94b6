"""Files that the label table names and that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

_N_NAMED = 5


def _fail(reason: str) -> NoReturn:
    raise FileNotFoundError(reason)


def missing_files(
    named: Iterable[int], files: Mapping[str, Any], column: str
) -> dict[str, Callable[[], NoReturn]]:
    """Have missing files set aside as broken ones are: as partitions that fail, with the reason.

    Args:
        named: ids in the label table.
        files: what reads each file, by id.
        column: the ids' column, such as ``eeg_id``.

    Returns:
        By id of a missing file, a callable that raises ``FileNotFoundError``.

    Raises:
        ValueError: if there is none of the files.
    """
    ids = list(dict.fromkeys(map(str, named)))
    missing = [name for name in ids if name not in files]
    if ids and len(missing) == len(ids):
        few = ", ".join(f"{name}.parquet" for name in ids[:_N_NAMED])
        raise ValueError(
            f"none of the {len(ids)} files that {column} names in the label table is there, such "
            f"as {few}; look whether raw_dir is the right folder"
        )
    return {
        name: partial(
            _fail, f"{name}.parquet is not there, though the label table names it as {column}"
        )
        for name in missing
    }
