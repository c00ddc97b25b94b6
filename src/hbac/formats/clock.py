"""When the parts of a file were taken: stretches of the true clock, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from hbac.formats.limits import UnreadableRecordingError
from hbac.formats.source import Stretch

TOLERANCE_SECONDS = 0.01
"""Onsets are rounded, and clocks drift: so much, two samples at 200 Hz, is no gap."""

LARGEST_OVERLAP_SECONDS = 1.0
"""A clock that is set right jumps back by so much at most; more is no order of records."""

_AHEAD = 1024


@dataclass(frozen=True)
class Gap:
    """Where a recording holds nothing: seconds of the true clock, from the recording's start."""

    start: float
    stop: float


def _first_of_stretches(onsets: np.ndarray, places: np.ndarray) -> list[int]:
    """Parts that do not follow on the one before."""
    firsts, checked = [0], 1
    while checked < len(onsets):
        ahead, first = slice(checked, checked + _AHEAD), firsts[-1]
        expected = onsets[first] + places[ahead] - places[first]
        jumps = np.abs(onsets[ahead] - expected) > TOLERANCE_SECONDS
        checked += int(jumps.argmax()) + 1 if jumps.any() else len(jumps)
        if jumps.any():
            firsts.append(checked - 1)
    return firsts


def _check_order(onsets: np.ndarray, lengths: np.ndarray, part: str) -> None:
    ends = onsets[:-1] + lengths[:-1]
    allowed = np.clip(lengths[:-1] / 2, TOLERANCE_SECONDS, LARGEST_OVERLAP_SECONDS)
    overlaps = ends - onsets[1:] > allowed
    if overlaps.any():
        first = int(overlaps.argmax())
        raise UnreadableRecordingError(
            f"{part} {first + 2} starts at {onsets[first + 1]:g} s, before {part} {first + 1} ends "
            f"at {ends[first]:g} s: they overlap or run backwards"
        )


def lay_out(
    onsets: Sequence[float],
    places: Sequence[int],
    n_units: int,
    unit: Fraction,
    *,
    part: str = "record",
) -> tuple[Stretch, ...]:
    """Find the parts of a recording that hold no gap.

    A part that starts before the one before has ended, by half of that and
    ``LARGEST_OVERLAP_SECONDS`` at most, cuts it off: the clock was set right.

    Args:
        onsets: seconds of the true clock at which each part starts, the first at 0.
        places: where each part starts in the file, in units of it.
        n_units: length of the file in units.
        unit: seconds that a unit lasts, such as that of a record or of a sample.
        part: what to call a part in an error.

    Returns:
        The stretches, in the order of the file, which is that of the clock.

    Raises:
        UnreadableRecordingError: if parts run backwards or overlap; the message names them.
    """
    times, starts = np.asarray(onsets, float), np.array([*places, n_units])
    seconds = starts * float(unit)
    _check_order(times, np.diff(seconds), part)
    firsts = _first_of_stretches(times, seconds[:-1])
    stretches = []
    for first, after in zip(firsts, [*firsts[1:], len(times)], strict=True):
        length = int(starts[after] - starts[first]) * unit
        if after < len(times):
            until_next = Fraction(times[after] - times[first]).limit_denominator(10_000)
            length = min(length, until_next)
        stretches.append(Stretch(float(times[first]), length, int(starts[first]) * unit))
    return tuple(stretches)


def gaps_between(stretches: Sequence[Stretch]) -> tuple[Gap, ...]:
    """List the gaps between stretches."""
    return tuple(
        Gap(before.stop, after.start)
        for before, after in pairwise(stretches)
        if after.start - before.stop > TOLERANCE_SECONDS
    )
