"""Rhythmic and periodic patterns and seizures, as the ACNS terminology defines them.

Terms and limits follow Hirsch et al., "American Clinical Neurophysiology Society's Standardized
Critical Care EEG Terminology: 2021 Version", J. Clin. Neurophysiol. 38, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal, special

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation.background import wander
from hbac.eeg.simulation.scalp import project

DISCHARGE_SECONDS = 0.5
"""Length of a periodic discharge."""

_DRIFT = 0.07


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
        shape = np.exp(-0.5 * (times / limb) ** 2) * signal.windows.tukey(len(times), 0.2)
        return (self.height * shape).astype(np.float32)


BIPHASIC = (Phase(0.10, 0.018, 0.028, -1.0), Phase(0.22, 0.04, 0.07, 0.55))
"""A sharp wave and its after-going slow wave."""

POLYPHASIC = (
    *(Phase(0.08, 0.014, 0.018, -0.8), Phase(0.14, 0.018, 0.022, 0.6)),
    *(Phase(0.20, 0.020, 0.030, -0.6), Phase(0.34, 0.05, 0.06, 0.45)),
)
"""A run of spikes within one discharge."""

TRIPHASIC = (
    Phase(0.08, 0.025, 0.025, -0.35),
    Phase(0.17, 0.030, 0.045, 1.0),
    Phase(0.34, 0.060, 0.060, -0.5),
)
"""Negative, larger positive, slower negative: the triphasic morphology of metabolic GPDs."""


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
    intervals = np.clip(rng.normal(1, jitter, 2 * int(cycles[-1]) + 10), 0.5, 1.5)
    planned = np.cumsum(intervals)
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
        Relative amplitude, shape ``(samples,)``, float32.
    """
    firsts = (np.asarray(onsets) * SAMPLING_RATE).astype(int)
    sizes = heights * rng.lognormal(0, 0.15, len(firsts))
    trace = np.zeros(samples, np.float32)
    for phase in phases:
        impulses = np.zeros(samples, np.float32)
        impulses[firsts] = sizes * rng.lognormal(0, 0.12, len(firsts))
        trace += signal.oaconvolve(impulses, phase.waveform())[:samples]
    return trace


def simulate_periodic_discharges(
    rng: np.random.Generator,
    envelope: np.ndarray,
    *,
    frequency: float,
    jitter: float,
    phases: tuple[Phase, ...],
    field: np.ndarray,
    delays: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Periodic discharges: LPDs with a lateralised field, GPDs with a generalised one.

    Discharges of uniform morphology, at most 0.5 s long, which return at nearly regular intervals
    (ACNS 2021, section C, main term "PDs").

    Args:
        rng: source of randomness.
        envelope: amplitude over time, 0 where the pattern is absent, shape ``(samples,)``; that at
            its onset scales a whole discharge.
        frequency: discharges a second, 0.5 to 2.5; what is faster for 10 s is called a seizure.
        jitter: standard deviation of the interval over its mean.
        phases: morphology of a discharge.
        field: amplitude at each electrode in microvolts, shape ``(19,)``.
        delays: lag of each electrode in seconds.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    samples = len(envelope)
    onsets = discharge_onsets(rng, samples, frequency=frequency, jitter=jitter)
    heights = envelope[(onsets * SAMPLING_RATE).astype(int)]
    present = heights > 0
    trace = discharge_train(rng, onsets[present], samples, phases=phases, heights=heights[present])
    return project(trace * np.exp(0.2 * wander(rng, samples, seconds=20)), field, delays)


def simulate_rhythmic_delta(
    rng: np.random.Generator,
    envelope: np.ndarray,
    *,
    frequency: float,
    field: np.ndarray,
    sharpness: float,
    delays: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Rhythmic delta activity: LRDA with a lateralised field, GRDA with a generalised one.

    A monomorphic wave of at most 4 Hz that repeats without an interval between cycles (ACNS 2021,
    section C, main term "RDA"). Its frequency and height wander, as those of a real rhythm do.

    Args:
        rng: source of randomness.
        envelope: amplitude over time, shape ``(samples,)``.
        frequency: cycles a second, 0.5 to 4.
        field: amplitude at each electrode in microvolts, shape ``(19,)``.
        sharpness: relative size of the second harmonic; 0 is a sine.
        delays: lag of each electrode in seconds.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    samples = len(envelope)
    cycles = _cycles(rng, samples, frequency=frequency)
    phase = 2 * np.pi * (cycles + 0.15 * wander(rng, samples, seconds=1.5))
    wave = np.sin(phase) + sharpness * np.sin(2 * phase + 0.6)
    height = np.exp(
        0.2 * wander(rng, samples, seconds=1.5) + 0.2 * wander(rng, samples, seconds=20)
    )
    return project((wave * height * envelope).astype(np.float32), field, delays)


def seizure_frequency(
    progress: np.ndarray, *, onset: float, peak: float, offset: float
) -> np.ndarray:
    """Evolving frequency of a seizure: it quickens to a peak and then slows until it stops.

    The standard asks for two consecutive changes in the same direction of at least 0.5 Hz (ACNS
    2021, section C, modifier "Evolution").

    Args:
        progress: 0 at the onset to 1 at the offset.
        onset: frequency in Hz at the start.
        peak: frequency in Hz at 0.4 of the way.
        offset: frequency in Hz at the end.

    Returns:
        Hz, shape as ``progress``.
    """
    return np.exp(np.interp(progress, [0, 0.4, 1], np.log([onset, peak, offset])))


def simulate_seizure(
    rng: np.random.Generator,
    samples: int,
    *,
    onset: float,
    peak: float,
    offset: float,
    local_field: np.ndarray,
    spread_field: np.ndarray,
    delays: np.ndarray | float = 0.0,
) -> np.ndarray:
    """An electrographic seizure that evolves in frequency, amplitude, morphology and location.

    Definite evolution for 10 s or more makes a pattern a seizure (ACNS 2021, section D).
    It starts small, sinusoidal and local, quickens, grows, turns into spikes and waves, spreads,
    slows and stops within a second.

    Args:
        rng: source of randomness.
        samples: its length, at 200 Hz.
        onset: frequency in Hz at its start.
        peak: highest frequency in Hz.
        offset: frequency in Hz at its end.
        local_field: amplitude at its start at each electrode in microvolts, shape ``(19,)``.
        spread_field: amplitude once it has spread, in microvolts, shape ``(19,)``.
        delays: lag of each electrode in seconds.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    progress = np.arange(samples) / samples
    frequency = seizure_frequency(progress, onset=onset, peak=peak, offset=offset)
    frequency = frequency * (1 + 0.04 * wander(rng, samples, seconds=2))
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLING_RATE
    spikiness = np.interp(progress, [0, 0.3, 1], [0.5, 2.0, 6.0])
    wave = np.exp(spikiness * (np.cos(phase) - 1)) - special.i0e(spikiness)
    height = np.interp(progress, [0, 0.1, 0.55, 1], [0.2, 0.45, 1.0, 1.1])
    ending = np.clip((1 - progress) * samples / SAMPLING_RATE, 0, 1)
    height = height * ending * np.exp(0.1 * wander(rng, samples, seconds=3))
    trace = (-2 * wave * height).astype(np.float32)
    spread = np.interp(progress, [0.2, 0.7], [0, 1]).astype(np.float32)
    local = project(trace * (1 - spread), local_field, delays)
    return local + project(trace * spread, spread_field, delays)
