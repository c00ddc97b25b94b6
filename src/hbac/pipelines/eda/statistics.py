"""Statistics of a data set as one tidy table and as one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ("statistic", "by", "group", "value", "unit", "n", "n_of", "meaning")
"""Columns of a table of statistics, a row a number; see ``tidy``."""


def tidy(
    statistic: str,
    values: float | Mapping[Any, float] | pd.Series,
    *,
    unit: str,
    n: int | Mapping[Any, int] | pd.Series,
    n_of: str,
    meaning: str,
    by: str = "all",
) -> pd.DataFrame:
    """Write a statistic as rows of the tidy table.

    Args:
        statistic: its name in snake case, such as ``missing_share``.
        values: one number for the whole data set, or one a group, by the group's name.
        unit: of the value, such as ``s``, ``uV``, ``bits``, ``count``; ``1`` for shares from 0 to 1
            and for other numbers without a unit.
        n: how many cases the value rests on: one number for all groups, or one a group.
        n_of: what ``n`` counts, in the plural, such as ``labels``.
        meaning: one sentence or less on how the value is made.
        by: what the groups are, such as ``class`` or ``channel``; ``all`` for one number.

    Returns:
        ``COLUMNS``, a row a group (``group`` is ``all`` for one number); ``value`` is NaN where it
        is not defined, ``n`` is a whole number.
    """
    one = not isinstance(values, Mapping | pd.Series)
    series = pd.Series({"all": values} if one else values, dtype=float)
    each = pd.Series(n) if isinstance(n, Mapping | pd.Series) else pd.Series(n, series.index)
    return pd.DataFrame(
        {
            "statistic": statistic,
            "by": by,
            "group": series.index.astype(str),
            "value": series.to_numpy(),
            "unit": unit,
            "n": each.reindex(series.index).to_numpy().astype(int),
            "n_of": n_of,
            "meaning": meaning,
        },
        columns=list(COLUMNS),
    )


def _plain(value: float) -> float | None:
    """A number as JSON has them: null where it is not defined."""
    return float(value) if np.isfinite(value) else None


def nest(statistics: pd.DataFrame) -> dict[str, Any]:
    """Turn the tidy table into nested dicts of plain values.

    Args:
        statistics: ``COLUMNS``; see ``tidy``.

    Returns:
        By statistic: ``meaning``, ``unit``, ``n_of`` and ``values``, which holds by ``by`` and by
        ``group`` the ``value`` (None where it is not defined) and ``n``.
    """
    record: dict[str, Any] = {}
    for row in statistics.itertuples():
        about = {"meaning": row.meaning, "unit": row.unit, "n_of": row.n_of, "values": {}}
        groups = record.setdefault(row.statistic, about)["values"].setdefault(row.by, {})
        groups[str(row.group)] = {"value": _plain(row.value), "n": int(row.n)}
    return record


def collect_statistics(
    of_labels: pd.DataFrame, of_signals: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Join the statistics of labels and of recordings.

    Args:
        of_labels: ``COLUMNS``; see ``tidy``.
        of_signals: the same.

    Returns:
        The tidy table, and the same as a record; see ``nest``.

    Raises:
        ValueError: if two rows speak of the same statistic and group.
    """
    table = pd.concat([of_labels, of_signals], ignore_index=True)[list(COLUMNS)]
    keys = ["statistic", "by", "group"]
    twice = table.loc[table.duplicated(keys), keys]
    if len(twice):
        raise ValueError(f"a statistic must stand once, received twice {twice.iloc[0].to_dict()}")
    return table, nest(table)
