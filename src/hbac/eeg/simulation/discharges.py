"""Discharges of periodic patterns: their shapes, and when they return.

Terms follow Hirsch et al., "American Clinical Neurophysiology Society's Standardized Critical Care
EEG Terminology: 2021 Version", J. Clin. Neurophysiol. 38, 2021; how often which shape occurs is
stylised after Chatrian, Shaw and Leffman, "The significance of periodic lateralized epileptiform
discharges in EEG", Electroencephalogr. Clin. Neurophysiol. 17, 1964.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation.background import wander
from hbac.eeg.simulation.population import Quantiles

DISCHARGE_SECONDS = 0.5
"""Length of a periodic discharge."""

_DRIFT = 0.07
_BEFORE = 0.04


@dataclass(frozen=True)
class Phase:
    """One deflection of a discharge.

    Attributes:
        peak: time of its peak after the discharge's start, in seconds.
        rise: standard deviation of its ascending limb, in seconds.
        fall: standard deviation of its descending limb, in seconds.
        height: relative amplitude, negative for a surface-negative deflection.
    """

    peak: float
    rise: float
    fall: float
    height: float

    def waveform(self) -> np.ndarray:
        """The deflection over the 0.5 s of a discharge, shape ``(100,)``, float32."""
        times = np.arange(0, DISCHARGE_SECONDS, 1 / SAMPLING_RATE) - self.peak
        limb = np.where(times < 0, self.rise, self.fall)
        shape = np.exp(-0.5 * (times / limb) ** 2) * scipy.signal.windows.tukey(len(times), 0.2)
        return (self.height * shape).astype(np.float32)


def of_unit_height(*phases: Any) -> tuple[Any, ...]:
    """Scale deflections so that the discharge has a height of 1 from peak to peak.

    Args:
        *phases: dataclasses with a ``height`` and a ``waveform()``, such as ``Phase``.
    """
    height = np.ptp(sum(phase.waveform() for phase in phases))
    return tuple(replace(phase, height=phase.height / height) for phase in phases)


BIPHASIC = of_unit_height(Phase(0.10, 0.018, 0.028, -1.0), Phase(0.22, 0.04, 0.07, 0.55))
"""A sharp wave and its after-going slow wave."""

TRIPHASIC = of_unit_height(
    Phase(0.08, 0.025, 0.025, -0.35),
    Phase(0.17, 0.030, 0.045, 1.0),
    Phase(0.34, 0.060, 0.060, -0.5),
)
"""Negative, larger positive, slower negative: the triphasic morphology of metabolic GPDs."""

_DURATION = Quantiles(0.08, 0.18, 0.34)
"""Seconds: sharp waves (0.07 to 0.2) most often, but spikes and blunt waves, too."""

_PHASES = (0.15, 0.35, 0.30, 0.12, 0.08)
"""How often a discharge has one to five."""

_NEGATIVE = 0.85
"""How often the main phase is negative."""

_AFTER_GOING = 0.5
"""How often a slow wave follows."""


def draw_morphology(rng: np.random.Generator) -> tuple[Phase, ...]:
    """Draw the shape of a discharge: one to five phases, 60 to 400 ms, of either polarity.

    Returns:
        Phases, and often an after-going slow wave; together 1 from peak to peak.
    """
    n = rng.choice(len(_PHASES), p=_PHASES) + 1
    seconds = _DURATION.draw(rng, limits=(0.06, 0.4))
    widths = np.linspace(1, 1.6, n) * rng.lognormal(0, 0.2, n)
    widths *= seconds / widths.sum()
    peaks = _BEFORE + np.cumsum(widths) - widths / 2
    heights = rng.uniform(0.3, 0.9, n) * (-1.0) ** np.arange(n)
    main = int(rng.integers(min(n, 2)))
    heights *= np.sign(heights[main]) * (-1 if rng.random() < _NEGATIVE else 1)
    heights[main] = np.sign(heights[main])
    phases = [Phase(*each) for each in zip(peaks, widths / 4, widths / 4, heights, strict=True)]
    if rng.random() < _AFTER_GOING and seconds < 0.3:
        size = -np.sign(heights[-1]) * rng.uniform(0.2, 0.6)
        phases.append(Phase(_BEFORE + seconds + 0.08, 0.04, 0.05, size))
    return of_unit_height(*phases)


def _cycles(rng: np.random.Generator, samples: int, *, frequency: float) -> np.ndarray:
    """Cycles since the start of a rhythm that drifts within minutes, shape (samples,)."""
    drift = np.exp(_DRIFT * wander(rng, samples, seconds=45).astype(float))
    return rng.uniform() + np.cumsum(frequency * drift / SAMPLING_RATE)


def discharge_onsets(
    rng: np.random.Generator, samples: int, *, frequency: float, jitter: float
) -> np.ndarray:
    """Times at which periodic discharges start.

    Args:
        rng: source of randomness.
        samples: length of the recording, at 200 Hz.
        frequency: discharges a second on average; it drifts by some percent within minutes.
        jitter: standard deviation of the interval between discharges over its mean. The standard
            calls a pattern periodic while most intervals change by less than a half.

    Returns:
        Increasing seconds from 0 to the end.
    """
    cycles = _cycles(rng, samples, frequency=frequency)
    spread = np.sqrt(np.log1p(jitter**2))
    intervals = rng.lognormal(-(spread**2) / 2, spread, 2 * int(cycles[-1]) + 20)
    planned = np.cumsum(np.clip(intervals, 0.4, 3))
    inside = planned[(planned >= cycles[0]) & (planned <= cycles[-1])]
    return np.interp(inside, cycles, np.arange(samples) / SAMPLING_RATE)


def discharge_train(
    rng: np.random.Generator,
    onsets: np.ndarray,
    samples: int,
    *,
    phases: tuple[Phase, ...],
    heights: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Time course of discharges that share a morphology and vary a little in each phase's size.

    Args:
        rng: source of randomness.
        onsets: seconds at which discharges start.
        samples: number of samples, at 200 Hz.
        phases: morphology.
        heights: of each discharge, beside which it varies a little.

    Returns:
        Amplitude relative to that of ``phases``, shape ``(samples,)``, float32.
    """
    firsts = (np.asarray(onsets) * SAMPLING_RATE).astype(int)
    sizes = heights * rng.lognormal(0, 0.25, len(firsts))
    trace = np.zeros(samples, np.float32)
    for phase in phases:
        impulses = np.zeros(samples, np.float32)
        impulses[firsts] = sizes * rng.lognormal(0, 0.15, len(firsts))
        trace += scipy.signal.oaconvolve(impulses, phase.waveform())[:samples]
    return trace
