"""What has to be said where a network is no better than a baseline."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def _judge(row: Any, confidence: float) -> str | None:
    if row.difference >= 0:
        return (
            f"The network does not beat the baseline {row.baseline}: its KL divergence is higher "
            f"by {row.difference:.3f} nats."
        )
    shown = f"It is not shown that the network beats the baseline {row.baseline}: its KL " + (
        f"divergence is lower by {-row.difference:.3f} nats, but "
    )
    if math.isnan(row.high):
        return shown + "all windows are of one patient, which gives no interval."
    if row.high >= 0:
        ends = f"{row.low:.3f} to {row.high:.3f}"
        return shown + f"the {confidence:.0%} interval of the difference, {ends}, includes 0."
    return None


def unbeaten_baselines(differences: pd.DataFrame, confidence: float) -> list[str]:
    """Name the baselines that the network does not beat over all windows.

    Args:
        differences: as ``kl_differences`` makes them; only the tier ``all`` is judged.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A sentence a baseline: its KL divergence is not higher than the network's, or the interval
        of the difference leaves that open.
    """
    rows = differences[differences["tier"] == "all"].itertuples()
    return [sentence for row in rows if (sentence := _judge(row, confidence))]
