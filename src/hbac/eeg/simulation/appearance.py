"""All that there is to say about how a pattern looks, before any sample of it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Deflection(Protocol):
    """A part of a discharge."""

    height: float
    """Relative amplitude."""

    def waveform(self) -> np.ndarray:
        """The deflection over the 0.5 s of a discharge, shape ``(100,)``, float32."""


@dataclass(frozen=True, eq=False)
class Plus:
    """What comes with periodic discharges (ACNS 2021, section C, "Plus" modifiers).

    Attributes:
        kind: ``fast`` activity, or ``rhythmic`` delta.
        frequency: its frequency, in Hz.
        share: amplitude of rhythmic delta, over that of the discharges.
        jitter: variation of its cycles.
    """

    kind: str
    frequency: float
    share: float = 0.0
    jitter: float = 0.0


@dataclass(frozen=True, eq=False)
class Periodic:
    """How the periodic discharges of a session look; see ``simulate_periodic_discharges``.

    Attributes:
        rate: discharges a second.
        jitter: standard deviation of the interval over its mean.
        phases: morphology of a discharge.
        fields: microvolts at each electrode, of parts that vary apart, shape ``(parts, 19)``.
        delays: lag of each electrode in seconds.
        plus: what comes with them, or ``None``.
    """

    rate: float
    jitter: float
    phases: Sequence[Deflection]
    fields: np.ndarray
    delays: np.ndarray | float
    plus: Plus | None


@dataclass(frozen=True, eq=False)
class Rhythmic:
    """How the rhythmic delta activity of a session looks; see ``simulate_rhythmic_delta``.

    Attributes:
        rate: waves a second.
        jitter: standard deviation of a wave's length over its mean.
        sharpness: relative size of the second harmonic.
        spikes: relative size of a spike on every wave.
        fields: as of ``Periodic``.
        delays: as of ``Periodic``.
        narrow_band: whether the waves are noise of a narrow band.
    """

    rate: float
    jitter: float
    sharpness: float
    spikes: float
    fields: np.ndarray
    delays: np.ndarray | float
    narrow_band: bool = False


@dataclass(frozen=True, eq=False)
class Ictal:
    """How all seizures of a session look, alike as a patient's are; see ``simulate_seizure``.

    Attributes:
        course: ``onset``, ``peak``, ``offset`` (Hz) and ``sharpness``.
        local: microvolts at each electrode at their start, shape ``(19,)``.
        spread: the same once they have spread.
        delays: lag of each electrode in seconds.
    """

    course: dict[str, float]
    local: np.ndarray
    spread: np.ndarray
    delays: np.ndarray


Look = Periodic | Rhythmic | Ictal
