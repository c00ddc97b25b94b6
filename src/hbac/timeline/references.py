"""Reference annotations: what experts said of a recording, in a table beside it or in its file."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hbac.timeline.bids import bids_stem
from hbac.timeline.events import PATTERNS
from hbac.timeline.szcore import BACKGROUND, SEIZURE
from hbac.timeline.tsv import MISSING

TABLE_SUFFIX = "_events.tsv"
IN_FILE = "annotations in the recording"
"""The ``source`` of what a recording's own annotations say."""

_SZCORE_COLUMN, _BIDS_COLUMN = "eventType", "trial_type"
_OWN_COLUMN = "peak_probability"
_COLUMNS = ("onset", "duration", "trial_type")


@dataclass(frozen=True)
class Reference:
    """What experts said of a recording.

    Attributes:
        source: where it is from: a file's name, or ``IN_FILE``.
        events: ``onset`` and ``duration`` in seconds from the recording's start, and
            ``trial_type``, of ``PATTERNS``.
        patterns: those that it speaks of; where one has no event, there was none.
    """

    source: str
    events: pd.DataFrame
    patterns: tuple[str, ...]


def pattern_of(text: str, mapping: Mapping[str, str]) -> str | None:
    """Find the pattern that a text of an annotation stands for.

    Args:
        text: such as ``Seizure``, ``lpd``, SzCORE's ``sz_foc_ia``, or anything.
        mapping: by regular expression, which is searched for in the text in any case, a pattern;
            the first that is found counts, before the names that are known anyway.

    Returns:
        Of ``PATTERNS``; None of another text.
    """
    for expression, pattern in mapping.items():
        if re.search(expression, text, re.IGNORECASE):
            return pattern
    if text == SEIZURE or text.startswith(f"{SEIZURE}_"):
        return PATTERNS[0]
    names = {name.lower(): name for name in PATTERNS}
    return names.get(text.strip().lower())


def _seconds(values: Iterable[str], name: str, source: str) -> list[float]:
    numbers = []
    for line, value in enumerate(values, start=2):
        known = value != MISSING or name != "duration"
        number = pd.to_numeric(value, errors="coerce") if known else 0.0
        if not math.isfinite(number):
            raise ValueError(
                f"{source}, line {line}: {name} must be a number of seconds, received {value!r}"
            )
        numbers.append(float(number))
    return numbers


def _read_table(text: str, source: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
    except ValueError as error:
        raise ValueError(f"{source} is no table separated by tabs: {error}") from error
    if not {"onset", "duration"} <= set(table):
        raise ValueError(
            f"{source} has the columns {list(table)}, of which none is onset or none is duration; "
            "events are a table separated by tabs, after BIDS"
        )
    return table


def parse_reference(text: str, source: str, mapping: Mapping[str, str]) -> Reference | None:
    """Read an ``_events.tsv`` with the columns of BIDS or of SzCORE.

    Args:
        text: the file's.
        source: its name, for messages and tables.
        mapping: see ``pattern_of``.

    Returns:
        What it says; None of a table of other events, such as stimuli, and of one that hbac has
        written. One in SzCORE's columns, or without a row, speaks of seizures even if it has none.

    Raises:
        ValueError: if it is no table separated by tabs with ``onset`` and ``duration``, or one of
            them is no number. The message names the file and the line.
    """
    table = _read_table(text, source)
    kind = next((name for name in (_SZCORE_COLUMN, _BIDS_COLUMN) if name in table), None)
    if kind is None or _OWN_COLUMN in table:
        return None
    onset, duration = (_seconds(table[name], name, source) for name in ("onset", "duration"))
    rows = zip(onset, duration, table[kind], strict=True)
    found = [(*times, pattern_of(name, mapping)) for *times, name in rows]
    named = {pattern for *_, pattern in found if pattern}
    if kind == _SZCORE_COLUMN or table.empty or (table[kind] == BACKGROUND).any():
        named.add(PATTERNS[0])
    return _reference(source, found, named)


def _reference(source: str, found: list[tuple], named: Iterable[str]) -> Reference | None:
    """A reference to those patterns that are named, in their order; None where none is."""
    patterns = tuple(pattern for pattern in PATTERNS if pattern in set(named))
    rows = [row for row in found if row[-1]]
    events = pd.DataFrame(rows, columns=list(_COLUMNS)).sort_values("onset", ignore_index=True)
    return Reference(source, events, patterns) if patterns else None


def _table_beside(path: Path) -> Path | None:
    names = (f"{stem}{TABLE_SUFFIX}" for stem in (path.stem, bids_stem(path.stem)))
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def find_reference(recording: Any, mapping: Mapping[str, str]) -> Reference | None:
    """Look for what experts said of a recording.

    A table beside the recording comes first: ``night_events.tsv`` of ``night.edf``, or, after BIDS,
    ``sub-1_events.tsv`` of ``sub-1_eeg.edf``. Else the annotations in the recording's own file
    count, if a mapping says what their texts stand for; such a recording is then taken to be
    annotated for every pattern that the mapping names.

    Args:
        recording: with its ``path``, and ``annotations`` of ``onset``, ``duration`` and ``text``.
        mapping: see ``pattern_of``; empty takes no text of the recording's own for a reference.

    Returns:
        None where there is none.

    Raises:
        ValueError: see ``parse_reference``.
    """
    table = _table_beside(Path(recording.path))
    if table is not None:
        text = table.read_bytes().decode("utf-8-sig", errors="replace")
        return parse_reference(text, table.name, mapping)
    if not mapping:
        return None
    found = [
        (note.onset, note.duration or 0.0, pattern_of(note.text, mapping))
        for note in recording.annotations
    ]
    return _reference(IN_FILE, found, mapping.values())
