"""What a file of any format offers: signals in its own units and rates, on a clock with gaps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Annotation:
    """A remark in the file itself.

    Attributes:
        onset: seconds from the recording's start.
        duration: seconds, 0 where there is none.
        text: what it says.
    """

    onset: float
    duration: float
    text: str


@dataclass(frozen=True)
class Signal:
    """One signal of a file.

    Attributes:
        label: its name as it stands in the file.
        unit: of its values, as it stands in the file.
        sampling_rate: samples a second.
        gain: what a stored number is multiplied by to give a value in ``unit``.
        offset: what is added then.
        fault: why it can't be used, "" where it can.
        remark: what is odd about it, "" where nothing is.
    """

    label: str
    unit: str
    sampling_rate: Fraction
    gain: float = 1.0
    offset: float = 0.0
    fault: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Stretch:
    """A part of a recording without gaps.

    Attributes:
        start: seconds of the true clock, from the recording's start.
        seconds: its length.
        first: where it starts in the file, in seconds of what the file holds, gaps closed up.
    """

    start: float
    seconds: Fraction
    first: Fraction

    @property
    def stop(self) -> float:
        """Seconds of the true clock at its end."""
        return self.start + float(self.seconds)


@dataclass(frozen=True)
class Source(ABC):
    """A file that was opened: what it holds, and how its samples are read.

    Small, and reopened where it is read, so that it can be sent to another process.

    Attributes:
        path: the file.
        format: its format's name, such as ``EDF+D``.
        start: when the recording starts, None where the file does not say.
        signals: what it holds, annotations left out.
        stretches: its parts without gaps, in order.
        annotations: what the file remarks on itself.
        remarks: what is odd about the file, and what was made of it.
    """

    path: str
    format: str
    start: datetime | None
    signals: tuple[Signal, ...]
    stretches: tuple[Stretch, ...]
    annotations: tuple[Annotation, ...]
    remarks: tuple[str, ...]

    @abstractmethod
    def read(self, signals: list[int], first: int, last: int) -> np.ndarray:
        """Read stored numbers of signals of one rate.

        Args:
            signals: their places in ``self.signals``.
            first: first sample, counted over what the file holds, gaps closed up.
            last: the one after the last.

        Returns:
            Shape ``(signals, last - first)``, float32, not yet scaled by gain and offset; NaN where
            missing.
        """

    @cached_property
    def _starts(self) -> list[float]:
        return [stretch.start for stretch in self.stretches]

    def stretches_between(self, start: float, stop: float) -> tuple[Stretch, ...]:
        """Stretches that may hold samples between two seconds of the true clock."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        return self.stretches[first : bisect_right(self._starts, stop)]

    @property
    def duration(self) -> float:
        """Seconds of the true clock, gaps included."""
        return max(stretch.stop for stretch in self.stretches)
