"""Files that the label table names and that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

_N_NAMED = 5


def _fail(reason: str) -> NoReturn:
    raise FileNotFoundError(reason)


def missing_files(
    named: Iterable[int], files: Mapping[str, Any], column: str, *, hint: str = ""
) -> dict[str, Callable[[], NoReturn]]:
    """Have missing files set aside as broken ones are: as partitions that fail, with the reason.

    Args:
        named: ids in the label table.
        files: what reads each file, by id.
        column: the ids' column, such as ``eeg_id``.
        hint: what else to do where there is none of the files.

    Returns:
        By id of a missing file, a callable that raises ``FileNotFoundError``.

    Raises:
        ValueError: if there is none of the files.
    """
    ids = list(dict.fromkeys(map(str, named)))
    missing = [name for name in ids if name not in files]
    if ids and len(missing) == len(ids):
        few = ", ".join(ids[:_N_NAMED])
        raise ValueError(
            f"none of the {len(ids)} {column}s in the label table has a file, such as {few}; look "
            f"whether raw_dir is the right folder{hint}"
        )
    reason = f"the label table names {column} {{}}, and there is no such file"
    return {name: partial(_fail, reason.format(name)) for name in missing}
