"""Electrographic seizures, as the ACNS terminology defines them.

Terms and limits follow Hirsch et al., "American Clinical Neurophysiology Society's Standardized
Critical Care EEG Terminology: 2021 Version", J. Clin. Neurophysiol. 38, 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation.background import wander
from hbac.eeg.simulation.scalp import POSITIONS, project
from hbac.eeg.simulation.timeline import Episode

_WAVE_AFTER = 2.4
"""Phase by which the crest of a slow wave follows that of its spike, negative up as the spike."""


def _evolving(rng: np.random.Generator) -> dict[str, float]:
    return {
        "onset": rng.uniform(2, 4),
        "peak": rng.uniform(4, 9),
        "offset": rng.uniform(1, 2.5),
        "sharpness": rng.uniform(0.5, 5),
    }


def _fast(rng: np.random.Generator) -> dict[str, float]:
    """Of 8 to 20 Hz at its start."""
    start = rng.uniform(8, 20)
    return {
        "onset": start,
        "peak": 0.8 * start,
        "offset": rng.uniform(0.2, 0.6) * start,
        "sharpness": rng.uniform(0, 1.5),
    }


def _slow(rng: np.random.Generator) -> dict[str, float]:
    """Spike-and-wave of 1.5 to 3 Hz."""
    start = rng.uniform(1.7, 3)
    return {
        "onset": start,
        "peak": 1.1 * start,
        "offset": 0.8 * start,
        "sharpness": rng.uniform(4, 10),
    }


def _steady(rng: np.random.Generator) -> dict[str, float]:
    """Faster than 2.5 Hz, with no evolution that 10 s would show."""
    start = rng.uniform(2.6, 5)
    return {
        "onset": start,
        "peak": rng.uniform(0.95, 1.1) * start,
        "offset": rng.uniform(0.8, 1) * start,
        "sharpness": rng.uniform(0.3, 5),
    }


_KINDS = ((_evolving, 0.45), (_fast, 0.1), (_slow, 0.2), (_steady, 0.25))


def draw_course(rng: np.random.Generator) -> dict[str, float]:
    """Draw a kind of seizure: evolving, fast, slow spike-and-wave, or steady.

    Returns:
        ``onset``, ``peak``, ``offset`` and ``sharpness`` of ``simulate_seizure``.
    """
    kinds, chances = zip(*_KINDS, strict=True)
    return kinds[rng.choice(len(kinds), p=chances)](rng)


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


def seizure_height(progress: np.ndarray | float) -> np.ndarray:
    """Amplitude of a seizure over its largest, which it has from the middle on.

    Args:
        progress: 0 at the onset to 1 at the offset.

    Returns:
        0.3 to 1, shape as ``progress``.
    """
    return np.interp(progress, [0, 0.1, 0.5, 1], [0.3, 0.55, 1.0, 1.0])


def spread_of_seizure(progress: np.ndarray | float) -> np.ndarray:
    """How far a seizure has spread, 0 (where it began) to 1, shape as ``progress``."""
    return np.interp(progress, [0.1, 0.6], [0, 1])


def _shape(phase: np.ndarray, sharpness: np.ndarray) -> np.ndarray:
    spike = np.exp(sharpness * (np.cos(phase) - 1)) - scipy.special.i0e(sharpness)
    share = np.minimum(sharpness / 8, 0.5)
    wave = np.cos(phase - _WAVE_AFTER) / 2
    return -(1 - share) * spike / (1 - np.exp(-2 * sharpness)) - share * wave


_SHARPNESS = np.linspace(0.01, 12, 49)
_HEIGHTS = np.ptp(_shape(np.linspace(0, 2 * np.pi, 201), _SHARPNESS[:, None]), axis=1)


def spike_and_wave(phase: np.ndarray, sharpness: np.ndarray) -> np.ndarray:
    """Draw negative spikes and their slow waves, or sine waves.

    Args:
        phase: radians; a spike is at every multiple of 2 pi.
        sharpness: 0 gives sines, 10 spikes, shape as ``phase``.

    Returns:
        1 from peak to peak, of mean 0, shape as ``phase``.
    """
    sharpness = np.maximum(sharpness, _SHARPNESS[0])
    return _shape(phase, sharpness) / np.interp(sharpness, _SHARPNESS, _HEIGHTS)


def simulate_seizure(
    rng: np.random.Generator,
    samples: int,
    *,
    onset: float,
    peak: float,
    offset: float,
    sharpness: float,
    local_field: np.ndarray,
    spread_field: np.ndarray,
    delays: np.ndarray | float = 0.0,
) -> np.ndarray:
    """An electrographic seizure that evolves in frequency, amplitude, morphology and location.

    Definite evolution for 10 s or more makes a pattern a seizure, and so do more than 2.5
    discharges a second for 10 s without any (ACNS 2021, section D). It starts small and local,
    grows, gets sharper, spreads and stops within a second; each discharge has its slow wave.

    Args:
        rng: source of randomness.
        samples: its length, at 200 Hz.
        onset: frequency in Hz at its start.
        peak: highest frequency in Hz.
        offset: frequency in Hz at the end.
        sharpness: of the discharges in the end: at 0 they are sinusoidal, at 10 spikes.
        local_field: amplitude at its start at each electrode in microvolts peak to peak, shape
            ``(19,)``.
        spread_field: amplitude once it has spread.
        delays: lag of each electrode in seconds.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    progress = np.arange(samples) / samples
    frequency = seizure_frequency(progress, onset=onset, peak=peak, offset=offset)
    frequency = frequency * (1 + 0.06 * wander(rng, samples, seconds=2))
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLING_RATE
    ending = np.clip((1 - progress) * samples / SAMPLING_RATE, 0, 1)
    height = seizure_height(progress) * ending * np.exp(0.2 * wander(rng, samples, seconds=1))
    trace = (spike_and_wave(phase, sharpness * progress**0.5) * height).astype(np.float32)
    spread = spread_of_seizure(progress).astype(np.float32)
    local = project(trace * (1 - spread), local_field, delays)
    return local + project(trace * spread, spread_field, delays)


def place_seizures(
    simulate: Callable[[int], np.ndarray], episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    """Simulate whole seizures and show of each what lies in the recording.

    One that had begun before the recording, or outlasts it, is seen in part.

    Args:
        simulate: makes a seizure of so many samples, shape ``(19, samples)``.
        episodes: when they are.
        samples: length of the recording, at 200 Hz.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    eeg = np.zeros((len(POSITIONS), samples), np.float32)
    for episode in episodes:
        first, last = (round(t * SAMPLING_RATE) for t in (episode.start, episode.stop))
        start, stop = np.clip((first, last), 0, samples)
        eeg[:, start:stop] = simulate(last - first)[:, start - first : stop - first]
    return eeg
