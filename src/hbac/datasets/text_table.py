"""A comma-separated table as text, each row with its line, so that errors can name it."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter

import fsspec
import pandas as pd
from kedro.io.core import DatasetError

from hbac.datasets.unreadable import unreadable

_OTHER_SEPARATORS = ";\t|"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _decode(content: bytes, path: str) -> str:
    if content.startswith(_UTF_16) or b"\0" in content:
        raise DatasetError(f"{path}, line 1: the table is in UTF-16 or no text; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start : error.start + 1]
        raise DatasetError(
            f"{path}, line {line}: the byte {byte!r} is not UTF-8; save the table as UTF-8"
        ) from error


def _records(text: str, path: str) -> tuple[list[int], list[list[str]]]:
    """First line and fields of each row; a row without content is none."""
    records = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    lines, rows, line = [], [], 1
    try:
        for fields in records:
            if any(fields):
                lines.append(line)
                rows.append(fields)
            line = records.line_num + 1
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {line}: {error}; is there a quotation mark too many, or one left open?"
        ) from error
    return lines, rows


def _check_header(line: int, names: list[str], path: str) -> None:
    separator = next((mark for mark in _OTHER_SEPARATORS if mark in names[0]), None)
    if len(names) == 1 and separator:
        raise DatasetError(
            f"{path}, line {line}: columns must be separated by commas, not {separator!r}; save "
            "the table with commas, and with points in decimal numbers"
        )
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise DatasetError(f"{path}, line {line}: the columns {repeated} are there more than once")


def read_text_table(fs: fsspec.AbstractFileSystem, path: str) -> pd.DataFrame:
    """Read a comma-separated table (RFC 4180) and change nothing in it.

    Args:
        fs: where the file lies.
        path: the file, in UTF-8 with or without a byte-order mark.

    Returns:
        Text alone, a row a row, indexed by the line on which the row starts; lines without
        content are left out. A column without a name is ``Unnamed: 3``, by its place.

    Raises:
        DatasetError: if the file is no table of two columns or more, in another encoding, or
            separated by something else; a column repeats; a quote does not close; a row has more
            fields than the header, or fewer; or there is no row. The message names the file and
            the line.
    """
    content = fs.cat_file(path)
    lines, rows = _records(_decode(content, path), path)
    header = rows[0] if rows else []
    names = [name.strip() or f"Unnamed: {place}" for place, name in enumerate(header)]
    if names:
        _check_header(lines[0], names, path)
    if len(names) < 2:
        raise unreadable(fs, path, "a comma-separated table", "its header has no two columns")
    for line, fields in zip(lines, rows, strict=True):
        if len(fields) != len(names):
            raise DatasetError(
                f"{path}, line {line}: the row has {len(fields)} fields, the header {len(names)}; "
                "a value that holds a comma must be quoted"
            )
    if len(rows) == 1:
        raise DatasetError(f"{path} holds a header and no row; add a row for each recording")
    return pd.DataFrame(rows[1:], index=lines[1:], columns=names, dtype=object)
