"""When the records of a file were taken: stretches of the true clock, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

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


def _first_of_stretches(onsets: np.ndarray, record_seconds: float) -> list[int]:
    """Records that do not follow on the one before."""
    firsts, checked = [0], 1
    while checked < len(onsets):
        ahead = np.arange(checked, min(checked + _AHEAD, len(onsets)))
        expected = onsets[firsts[-1]] + record_seconds * (ahead - firsts[-1])
        jumps = np.abs(onsets[ahead] - expected) > TOLERANCE_SECONDS
        checked += int(jumps.argmax()) + 1 if jumps.any() else len(ahead)
        if jumps.any():
            firsts.append(checked - 1)
    return firsts


def lay_out(onsets: Sequence[float], record_seconds: Fraction) -> tuple[Stretch, ...]:
    """Find the parts of a recording that hold no gap.

    A part that starts before the one before has ended, by ``LARGEST_OVERLAP_SECONDS`` at most, cuts
    it off: the clock was set right.

    Args:
        onsets: seconds at which each record starts, the first at 0.
        record_seconds: length of a record.

    Returns:
        The stretches, in the order of the file, which is that of the clock.

    Raises:
        ValueError: if records run backwards or overlap; the message names them and their onsets.
    """
    times, length = np.asarray(onsets, float), float(record_seconds)
    firsts = _first_of_stretches(times, length)
    overlap = times[:-1] + length - times[1:]
    if (overlap > LARGEST_OVERLAP_SECONDS).any():
        worst = int((overlap > LARGEST_OVERLAP_SECONDS).argmax())
        raise ValueError(
            f"record {worst + 2} starts at {times[worst + 1]:g} s, before record {worst + 1} ends "
            f"at {times[worst] + length:g} s: records overlap or run backwards"
        )
    stretches = []
    for first, last in zip(firsts, [*firsts[1:], len(times)], strict=True):
        seconds = (last - first) * record_seconds
        if last < len(times):
            kept = Fraction(times[last] - times[first]).limit_denominator(10_000)
            seconds = min(seconds, kept)
        stretches.append(Stretch(float(times[first]), seconds, first * record_seconds))
    return tuple(stretches)


def gaps_between(stretches: Sequence[Stretch]) -> tuple[Gap, ...]:
    """List the gaps between stretches."""
    return tuple(
        Gap(before.stop, after.start)
        for before, after in pairwise(stretches)
        if after.start - before.stop > TOLERANCE_SECONDS
    )
