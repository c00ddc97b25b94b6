"""Tab-separated tables as BIDS has them, and SzCORE after it."""

from __future__ import annotations

import pandas as pd

MISSING = "n/a"
"""What stands for a value that is not known."""


def write_tsv(table: pd.DataFrame, decimals: dict[str, int]) -> str:
    """Lay a table out as text.

    Args:
        table: values; NaN and empty text are written as ``n/a``.
        decimals: how many digits after the point a column's numbers are rounded to.

    Returns:
        UTF-8 text with a header, lines ending with a line feed.
    """
    rounded = table.copy()
    for name, digits in decimals.items():
        numbers = pd.to_numeric(table[name], errors="coerce")
        rounded[name] = [MISSING if pd.isna(value) else f"{value:.{digits}f}" for value in numbers]
    return rounded.replace("", MISSING).to_csv(
        sep="\t", index=False, na_rep=MISSING, lineterminator="\n"
    )
