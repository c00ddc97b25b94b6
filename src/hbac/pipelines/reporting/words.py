"""Numbers, tables and what is missing, as the report words them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, CLASSES
from hbac.pipelines.reporting.params import ReportingParams
from hbac.report import Block, FigureBlock, Folded, Notice, Table, shrink

NONE = "\N{EN DASH}"
"""Where there is no number."""

_MINUS = "\N{MINUS SIGN}"

Told = tuple[str, str]
"""What is seen in a figure, for who cannot see it; and its caption."""

_NAMES = dict(zip(CLASSES, CLASS_NAMES, strict=True)) | {"all": "all classes"}


def class_name(name: str) -> str:
    """A class as clinicians write it."""
    return _NAMES.get(name, name)


def is_number(value: Any) -> bool:
    """Whether there is a value at all, and not NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals."""
    if not is_number(value):
        return NONE
    return f"{value:,.{digits}f}".replace("-", _MINUS)


def percent(value: float | None) -> str:
    """A share from 0 to 1 in percent."""
    return f"{100 * value:.1f} %" if is_number(value) else NONE


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """The ends of an interval."""
    known = is_number(low) and is_number(high)
    return f"{number(low, digits)} to {number(high, digits)}" if known else NONE


def estimate(numbers: Mapping[str, float | None], digits: int = 3) -> str:
    """A value with its interval, of a record's ``value``, ``low`` and ``high``."""
    value, ends = numbers["value"], interval(numbers["low"], numbers["high"], digits)
    return number(value, digits) if ends == NONE else f"{number(value, digits)} ({ends})"


def counted(n: int, noun: str) -> str:
    """A number of things: ``1 window``, ``1,200 windows``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def joined(words: Sequence[str]) -> str:
    """Words with commas, and an "and" before the last."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _decimals(column: pd.Series, digits: int) -> int:
    """Decimals that show so many digits of a column's largest number."""
    largest = column.abs().max()
    whole = not is_number(largest) or largest == 0 or (column.dropna() % 1 == 0).all()
    return 0 if whole else max(0, min(digits, digits - 1 - math.floor(math.log10(largest))))


def _cells(column: pd.Series, digits: int) -> list[str]:
    """A column as text, its numbers with equally many decimals."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return [str(value) if is_number(value) else NONE for value in column.tolist()]
    decimals = _decimals(column, digits)
    return [number(value, decimals) for value in column.astype(float).tolist()]


def _begins_as_number(cell: str) -> bool:
    """Whether a cell is a number, an interval or a gap."""
    return cell[:1].isdigit() or cell.startswith((_MINUS, NONE))


def table_of(
    frame: pd.DataFrame,
    caption: str,
    names: Mapping[str, str] | None = None,
    *,
    digits: int = 3,
    most: int = 60,
) -> Table:
    """Turn a table of data into one that is read.

    Args:
        frame: its first column names the rows.
        caption: what it holds, with units and sample size.
        names: headers of the columns that are shown, in their order; null shows all.
        digits: of a column's largest number.
        most: rows that are shown; the caption says so where there are more.
    """
    names = names or {name: str(name).replace("_", " ") for name in frame}
    shown = frame[[name for name in names if name in frame]]
    if len(shown) > most:
        caption = f"{caption} The first {most} of {len(shown):,} rows."
    # Ids are names, whatever their type.
    ids = [name for name in shown if str(name).endswith("_id") or name == "partition"]
    kept = shown.head(most).astype(dict.fromkeys(ids, str))
    cells = [_cells(kept[name], digits) for name in kept]
    numeric = {at for at, column in enumerate(cells) if at and all(map(_begins_as_number, column))}
    header = [names[name] for name in shown]
    return Table(caption, header, list(zip(*cells, strict=True)), frozenset(numeric))


def folded_table(
    title: str, tell: Callable[[pd.DataFrame], Table], frame: pd.DataFrame | None
) -> list[Block]:
    """A table below a title that opens it; nothing where there is none, or no row."""
    if frame is None or frame.empty:
        return []
    return [Folded(title, [tell(frame)])]


def figures_of(
    figures: Mapping[str, bytes | None], told: Mapping[str, Told], params: ReportingParams
) -> list[Block]:
    """Figures that are there, in the order in which they are told of."""
    return [
        FigureBlock(picture_of(figures[name], params), *words)
        for name, words in told.items()
        if figures.get(name) is not None
    ]


def picture_of(picture: bytes, params: ReportingParams) -> bytes:
    """A picture as the report embeds it."""
    return bytes(picture) if params.colours is None else shrink(picture, colours=params.colours)


def not_made(inputs: Mapping[str, Any], maker: str) -> list[Block]:
    """Say in one line what was not made and which pipeline makes it.

    Args:
        inputs: by name in snake case; None is missing.
        maker: name of the pipeline.
    """
    missing = [name.replace("_", " ") for name, value in inputs.items() if value is None]
    if not missing:
        return []
    every = len(missing) == len(inputs) > 1
    what = "all of this" if every else joined(missing)
    return [
        Notice(f"{what[:1].upper()}{what[1:]}. Made by `kedro run --pipeline {maker}`.", "missing")
    ]


def keep(blocks_of: Callable[..., list[Block]], *needed: Any) -> list[Block]:
    """The blocks that a function makes of what it needs; none where some of that is missing."""
    return [] if any(part is None for part in needed) else blocks_of(*needed)
