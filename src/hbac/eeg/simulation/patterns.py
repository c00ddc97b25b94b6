"""Rhythmic and periodic patterns, as the ACNS terminology defines them.

Terms and limits follow Hirsch et al., "American Clinical Neurophysiology Society's Standardized
Critical Care EEG Terminology: 2021 Version", J. Clin. Neurophysiol. 38, 2021.
"""

from __future__ import annotations

import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation.background import coloured_noise, spectral_peak, wander
from hbac.eeg.simulation.discharges import Phase, discharge_onsets, discharge_train
from hbac.eeg.simulation.scalp import project
from hbac.eeg.simulation.seizures import spike_and_wave


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
        field: amplitude at each electrode in microvolts, shape ``(19,)``; or several such fields,
            whose discharges come together but differ in size, shape ``(fields, 19)``.
        delays: lag of each electrode in seconds.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    samples = len(envelope)
    onsets = discharge_onsets(rng, samples, frequency=frequency, jitter=jitter)
    heights = envelope[(onsets * SAMPLING_RATE).astype(int)]
    there = heights > 0
    onsets, heights = onsets[there], heights[there]
    waxing = np.exp(0.2 * wander(rng, samples, seconds=20))
    return sum(
        project(
            discharge_train(rng, onsets, samples, phases=phases, heights=heights) * waxing,
            own,
            delays,
        )
        for own in np.atleast_2d(field)
    )


def _cycles(
    rng: np.random.Generator, samples: int, *, frequency: float, jitter: float
) -> np.ndarray:
    """Cycles of a rhythm over time, smooth and increasing, shape ``(samples,)``."""
    # Starts of cycles beyond both ends, so that there is a cycle at every sample.
    around = round(4 * SAMPLING_RATE / frequency)
    starts = discharge_onsets(rng, samples + 2 * around, frequency=frequency, jitter=jitter)
    starts = starts - around / SAMPLING_RATE
    cycles = scipy.interpolate.PchipInterpolator(starts, np.arange(len(starts)))
    return cycles(np.arange(samples) / SAMPLING_RATE)


def _narrow_band_cycles(
    rng: np.random.Generator, samples: int, *, frequency: float, jitter: float
) -> np.ndarray:
    """Cycles of noise of a narrow band, shape ``(samples,)``."""
    density = spectral_peak(frequency=frequency, bandwidth=jitter * frequency, rms=1.0)
    noise = coloured_noise(rng, density, shape=(1, samples))[0]
    return np.unwrap(np.angle(scipy.signal.hilbert(noise))) / (2 * np.pi)


def _waxing(rng: np.random.Generator, samples: int) -> np.ndarray:
    slow, slower = (wander(rng, samples, seconds=seconds) for seconds in (1.5, 20))
    return np.exp(0.25 * slow + 0.2 * slower)


def simulate_rhythmic_delta(
    rng: np.random.Generator,
    envelope: np.ndarray,
    *,
    frequency: float,
    field: np.ndarray,
    jitter: float,
    sharpness: float,
    spikes: float = 0.0,
    delays: np.ndarray | float = 0.0,
    narrow_band: bool = False,
) -> np.ndarray:
    """Rhythmic delta activity: LRDA with a lateralised field, GRDA with a generalised one.

    A monomorphic wave of at most 4 Hz that repeats without an interval between cycles (ACNS 2021,
    section C, main term "RDA"). Each wave is symmetric, rising for half of its cycle; their
    lengths and heights vary, as those of a real rhythm do.

    Args:
        rng: source of randomness.
        envelope: amplitude over time, shape ``(samples,)``.
        frequency: cycles a second, 0.5 to 4.
        field: amplitude at each electrode in microvolts, shape ``(19,)``; or several such fields,
            whose waves come together but differ in height, shape ``(fields, 19)``.
        jitter: standard deviation of a cycle's length over its mean.
        sharpness: relative size of the second harmonic: above 0 crests are sharper than troughs,
            below 0 blunter; 0 is a cosine.
        spikes: relative size of a spike on every wave (ACNS 2021, "RDA+S").
        delays: lag of each electrode in seconds.
        narrow_band: whether the cycles are those of noise of a narrow band, rather than of waves
            of varying lengths; ``jitter`` is then its width over the frequency.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    samples = len(envelope)
    cycles = _narrow_band_cycles if narrow_band else _cycles
    phase = 2 * np.pi * cycles(rng, samples, frequency=frequency, jitter=jitter)
    wave = (np.cos(phase) + sharpness * np.cos(2 * phase)) / 2
    if spikes:
        wave += spikes * spike_and_wave(phase, np.full(samples, 12.0))
    wave *= envelope
    return sum(
        project((wave * _waxing(rng, samples)).astype(np.float32), own, delays)
        for own in np.atleast_2d(field)
    )
