"""The label table of a data set, checked as it is read."""

from __future__ import annotations

import pandas as pd
from kedro.io.core import DatasetError
from kedro_datasets.pandas import CSVDataset

from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS

_ID_COLUMNS = ("eeg_id", "spectrogram_id", "patient_id")
_TRAIN_COLUMNS = (
    *_ID_COLUMNS,
    "eeg_sub_id",
    "eeg_label_offset_seconds",
    "spectrogram_sub_id",
    "spectrogram_label_offset_seconds",
    "label_id",
    "expert_consensus",
    *VOTE_COLUMNS,
)
_N_EXAMPLES = 3


def _train_schema():
    import pandera.pandas as pa

    whole = {name: pa.Column("int64", coerce=True) for name in (*_ID_COLUMNS, "label_id")}
    offsets = {
        name: pa.Column(float, pa.Check.ge(0, error="at least 0"), coerce=True)
        for name in _TRAIN_COLUMNS
        if name.endswith("_offset_seconds")
    }
    votes = {
        name: pa.Column("int64", pa.Check.ge(0, error="at least 0"), coerce=True)
        for name in VOTE_COLUMNS
    }
    consensus = {
        "expert_consensus": pa.Column(
            str, pa.Check.isin(CLASS_NAMES, error=f"one of {CLASS_NAMES}")
        )
    }
    any_vote = pa.Check(
        lambda table: table[list(VOTE_COLUMNS)].sum(axis=1) > 0, error="given at least one vote"
    )
    return pa.DataFrameSchema({**whole, **offsets, **votes, **consensus}, checks=any_vote)


def _test_schema():
    import pandera.pandas as pa

    return pa.DataFrameSchema({name: pa.Column("int64", coerce=True) for name in _ID_COLUMNS})


def _name_row(table: pd.DataFrame, row: int, column: str) -> str:
    value = f": {table[column].iloc[row]}" if column in table else ""
    return f"line {row + 2} (eeg_id {table['eeg_id'].iloc[row]}){value}"


def _describe_failures(failures: pd.DataFrame, table: pd.DataFrame) -> str:
    """One line a failed check, with the first rows that failed it."""
    of_whole_rows = failures["schema_context"] == "DataFrameSchema"
    failures = failures.assign(column=failures["column"].mask(of_whole_rows, "a row"))
    lines = []
    for (column, check), cases in failures.groupby(["column", "check"], sort=False):
        rows = [int(row) for row in cases["index"].dropna().unique()]
        where = [_name_row(table, row, column) for row in rows[:_N_EXAMPLES]]
        more = f" and {len(rows) - len(where)} more" if len(rows) > len(where) else ""
        lines.append(f"  {column} must be {check}; " + (", ".join(where) or "it is not") + more)
    return "\n".join(lines)


class LabelsDataset(CSVDataset):
    """``train.csv`` or ``test.csv``: ids, and with ``votes`` offsets and vote counts too.

    Args:
        votes: whether the table holds labels (``train.csv``) or names recordings alone.
        kwargs: as of ``kedro_datasets.pandas.CSVDataset``.
    """

    def __init__(self, *, votes: bool, **kwargs):
        super().__init__(**kwargs)
        self._votes = votes

    def load(self) -> pd.DataFrame:
        """Read and check the table.

        Raises:
            DatasetError: if a column is missing, or a value is not what it must be (a whole id,
                an offset or count of at least 0, a known consensus, at least one vote a row); the
                message names the file, the line and the value.
        """
        import pandera.errors

        table = super().load()
        required = _TRAIN_COLUMNS if self._votes else _ID_COLUMNS
        missing = [name for name in required if name not in table]
        if missing:
            raise DatasetError(f"{self._filepath} lacks the columns {missing}")
        try:
            return (_train_schema() if self._votes else _test_schema()).validate(table, lazy=True)
        except pandera.errors.SchemaErrors as error:
            reasons = _describe_failures(error.failure_cases, table)
            raise DatasetError(f"{self._filepath} cannot be used:\n{reasons}") from error
