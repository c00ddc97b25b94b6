"""The 5-minute rule: the largest share of epochs with seizure in any stretch of some minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from hbac.timeline.coverage import UNREAD, Coverage
from hbac.timeline.events import PATTERNS

_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class PeakRule:
    """How seizure burden is looked at.

    The defaults are those of Kamousi et al., Neurocrit Care 2021;34:908-917, doi
    10.1007/s12028-020-01120-0: 10-s epochs, any 5 minutes, and 10, 50 and 90 %, of which the last
    stands for possible status epilepticus.

    Attributes:
        epoch_seconds: length of an epoch.
        window_seconds: length of the stretch.
        levels: shares that are reached or not, rising.
        least_readable: share of a stretch's epochs that must be readable for it to count.
    """

    epoch_seconds: float = 10.0
    window_seconds: float = 300.0
    levels: Sequence[float] = (0.1, 0.5, 0.9)
    least_readable: float = 0.5


class Peak(NamedTuple):
    """The stretch with the largest share of seizure.

    Attributes:
        share: of its epochs that can be read; NaN where there is no such stretch.
        start_seconds: where it begins.
        level: the highest of the levels that it reaches, in words.
    """

    share: float = np.nan
    start_seconds: float = np.nan
    level: str = ""


def seizure_shares(
    timeline: pd.DataFrame, patterns: np.ndarray, rule: PeakRule | None = None
) -> pd.DataFrame:
    """Share of epochs with seizure in every stretch of some minutes.

    Epochs are counted from the recording's start. An epoch can be read where half of it can, and
    has seizure where half of what can be read is seizure.

    Args:
        timeline: a row a step; see ``hbac.timeline.find_events``.
        patterns: what each step counts as; see ``hbac.timeline.coverage.step_patterns``.
        rule: lengths and levels; ``PeakRule()`` by default.

    Returns:
        A row a stretch, of which one begins with each epoch: ``start_seconds``,
        ``stop_seconds``, and ``share``, of the epochs that can be read; NaN where too few can.
    """
    rule = rule or PeakRule()
    end = timeline["stop_seconds"].max() if len(timeline) else 0.0
    starts = np.arange(int((end + _ROUNDING) // rule.epoch_seconds)) * rule.epoch_seconds
    readable, seizure = (
        Coverage(timeline, chosen).between(starts, starts + rule.epoch_seconds)
        for chosen in (patterns != UNREAD, patterns == PATTERNS[0])
    )
    read = readable >= rule.epoch_seconds / 2 - _ROUNDING
    ictal = read & (seizure >= readable / 2 - _ROUNDING)
    epochs = round(rule.window_seconds / rule.epoch_seconds)
    sums = pd.DataFrame({"read": read, "ictal": ictal}).rolling(epochs).sum().iloc[epochs - 1 :]
    enough = (sums["read"] > 0) & (sums["read"] >= rule.least_readable * epochs - _ROUNDING)
    first = starts[: len(sums)]
    return pd.DataFrame(
        {
            "start_seconds": first,
            "stop_seconds": first + rule.window_seconds,
            "share": (sums["ictal"] / sums["read"]).where(enough).to_numpy(),
        }
    )


def _level(share: float, levels: Sequence[float]) -> str:
    reached = [level for level in levels if share >= level - _ROUNDING]
    return f">= {reached[-1]:.0%}" if reached else f"< {levels[0]:.0%}"


def peak_within(shares: pd.DataFrame, start: float, stop: float, rule: PeakRule) -> Peak:
    """Find the largest share among the stretches that end in a period.

    Args:
        shares: as ``seizure_shares`` returns them.
        start: of the period, in seconds.
        stop: of the period, in seconds.
        rule: of which the levels.

    Returns:
        The first such stretch; ``Peak()`` where there is none that can be read.
    """
    ends = shares["stop_seconds"]
    inside = shares[(ends > start + _ROUNDING) & (ends <= stop + _ROUNDING)].dropna()
    if inside.empty:
        return Peak()
    highest = inside.loc[inside["share"].idxmax()]
    return Peak(highest["share"], highest["start_seconds"], _level(highest["share"], rule.levels))
