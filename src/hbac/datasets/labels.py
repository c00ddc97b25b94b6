"""The label table of a data set, checked as it is read: nothing in it is changed silently."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from kedro.io.core import DatasetError

from hbac.datasets.table import TableDataset
from hbac.datasets.text_table import read_text_table
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_ROUNDING = Decimal("1e-5")
"""As far from a whole number as a count may be: what single precision leaves of 29."""
_N_EXAMPLES = 3


def _number(text: str) -> Decimal:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("a number")
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        raise ValueError("a number of 64 bits") from None


def _whole(text: str, rounding: Decimal = Decimal(0)) -> int:
    value = _number(text)
    # Before it is made an int: 1e999999999 would fill the memory.
    if value.copy_abs() >= 2**63:
        raise ValueError("a number of 64 bits")
    nearest = value.to_integral_value()
    if abs(value - nearest) > rounding:
        raise ValueError("a whole number")
    return int(nearest)


def _spectrogram_id(text: str) -> int:
    value = _whole(text)
    if value < NO_SPECTROGRAM:
        raise ValueError(f"at least 0, or {NO_SPECTROGRAM} where there is no file")
    return value


def _count(text: str) -> int:
    value = _whole(text, _ROUNDING)
    if value < 0:
        raise ValueError("at least 0")
    return value


def _seconds(text: str) -> float:
    value = float(_number(text))
    if value < 0:
        raise ValueError("at least 0")
    if np.isinf(value):
        raise ValueError("finite")
    return value


def _class_name(text: str) -> str:
    if text.strip() not in CLASS_NAMES:
        raise ValueError(f"one of {CLASS_NAMES}")
    return text.strip()


_WHOLE_NUMBERS = (_whole, _spectrogram_id, _count)
_ID_COLUMNS = ("eeg_id", "spectrogram_id", "patient_id")
_PARSERS: dict[str, Callable[[str], Any]] = {
    "eeg_id": _whole,
    "eeg_sub_id": _whole,
    "eeg_label_offset_seconds": _seconds,
    "spectrogram_id": _spectrogram_id,
    "spectrogram_sub_id": _whole,
    "spectrogram_label_offset_seconds": _seconds,
    "label_id": _whole,
    "patient_id": _whole,
    "expert_consensus": _class_name,
    **dict.fromkeys(VOTE_COLUMNS, _count),
}


def _fault(column: str, requirement: str, texts: pd.DataFrame, wrong: pd.Series) -> list[str]:
    """What is wrong, and the first lines in which it is; nothing where it is in none."""
    rows = texts[wrong]
    named = [
        f"line {line} (eeg_id {row['eeg_id']})"
        + (f": {row[column] or 'nothing'}" if column in row else "")
        for line, row in rows.head(_N_EXAMPLES).iterrows()
    ]
    more = f" and {len(rows) - len(named)} more" if len(rows) > len(named) else ""
    return [f"  {column} must be {requirement}; {', '.join(named)}{more}"] if named else []


def _plain_digits(texts: Sequence[str]) -> np.ndarray | None:
    """Whole numbers of at most 18 digits and nothing else, as most ids and counts are; or None."""
    together = "".join(texts)
    if not (together.isascii() and together.isdigit()) or not min(map(len, texts)) > 0:
        return None
    return np.array(texts, np.int64) if max(map(len, texts)) < 19 else None


def _parse(texts: pd.DataFrame, column: str, optional: bool) -> tuple[np.ndarray, list[str]]:
    """Values of a column, each distinct text parsed once, and what is wrong with it."""
    places, distinct = pd.factorize(texts[column])
    numbers = _plain_digits(distinct) if _PARSERS[column] in _WHOLE_NUMBERS else None
    if numbers is not None:
        return numbers[places], []
    values: dict[str, Any] = {"": np.nan} if optional else {}
    wrong: dict[str, str] = {}
    for text in set(distinct).difference(values):
        try:
            values[text] = _PARSERS[column](text)
        except ValueError as error:
            wrong[text] = str(error)
    faults = []
    for requirement in sorted(set(wrong.values())):
        rows = texts[column].map(wrong) == requirement
        faults += _fault(column, requirement, texts, rows)
    return pd.Series([values.get(text) for text in distinct]).to_numpy()[places], faults


def _share_faults(texts: pd.DataFrame) -> list[str]:
    """Rows of votes that sum to 1 without being whole."""
    votes = texts[list(VOTE_COLUMNS)].apply(pd.to_numeric, errors="coerce").fillna(0)
    broken = ((votes - votes.round()).abs() > float(_ROUNDING)).any(axis=1)
    shares = broken & ((votes.sum(axis=1) - 1).abs() < 0.01)
    return _fault("votes", "numbers of experts, not shares that sum to 1", texts, shares)


def _row_faults(table: pd.DataFrame, texts: pd.DataFrame) -> list[str]:
    """What is wrong with labels whose every value is right by itself."""
    votes = table[list(VOTE_COLUMNS)].to_numpy()
    most = votes.max(axis=1)
    consensus = pd.Index(CLASS_NAMES).get_indexer(table["expert_consensus"])
    contradicted = votes[np.arange(len(votes)), consensus] < most
    whole_row = table.columns.difference(["label_id"]).tolist()
    once = "in the table once"
    return [
        *_fault("a row", "given at least one vote", texts, most == 0),
        *_fault("expert_consensus", "a class with the most votes", texts, contradicted),
        *_fault("label_id", once, texts, table.duplicated("label_id").to_numpy()),
        *_fault("a label", once, texts, table.duplicated(whole_row).to_numpy()),
    ]


class LabelsDataset(TableDataset):
    """``train.csv`` or ``test.csv``: ids, and with ``votes`` offsets and vote counts too.

    Args:
        votes: whether the table holds labels (``train.csv``) or names recordings alone.
        may_be_absent: read a file that is not there as a table without rows.
        file_options: those of ``FileDataset``.
    """

    kind = "a table of labels"

    def __init__(self, *, votes: bool, may_be_absent: bool = False, **file_options: Any):
        super().__init__(**file_options)
        self._votes, self._may_be_absent = votes, may_be_absent

    def is_readable(self) -> bool:
        """Whether there is something to load, if only a table without rows."""
        return self._may_be_absent or self.exists()

    def load(self) -> pd.DataFrame:
        """Read and check the table."""
        if self._may_be_absent and not self.exists():
            return pd.DataFrame({name: pd.Series(dtype=int) for name in _ID_COLUMNS})
        return super().load()

    def _read(self, path: str) -> pd.DataFrame:
        """Read and check the table.

        Counts that are whole but for rounding are taken as whole. Columns that the competition
        does not have stay text. In ``test.csv``, offsets and votes may be absent or empty.

        Raises:
            DatasetError: if a column is missing; a value is not what it must be (a whole id, an
                offset or count of at least 0, a known consensus); or a label has no vote, a
                consensus that its votes contradict, or is there twice. The message names the
                file, the line and the value.
        """
        texts = read_text_table(self._fs, path)
        required = list(_PARSERS) if self._votes else list(_ID_COLUMNS)
        missing = [name for name in required if name not in texts]
        if missing:
            raise DatasetError(f"{path} lacks the columns {missing}; it has {list(texts)}")
        columns, faults = {name: texts[name].array for name in texts}, []
        for name in texts.columns.intersection(list(_PARSERS)):
            columns[name], found = _parse(texts, name, optional=name not in required)
            faults += found
        table = pd.DataFrame(columns)
        if self._votes:
            faults = (_share_faults(texts) or faults) if faults else _row_faults(table, texts)
        if faults:
            reasons = "\n".join(faults)
            raise DatasetError(f"{path} cannot be used:\n{reasons}\nMend these lines and run again")
        return table
