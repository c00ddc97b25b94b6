"""What an ICU adds to EEG: muscle, blinks, mains, electrode pops, the heart and gaps.

Appearances follow Tatum et al., "Artifact and recording concepts in EEG", J. Clin. Neurophysiol.
28, 2011.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE
from hbac.eeg.simulation.background import coloured_noise, wander
from hbac.eeg.simulation.scalp import POSITIONS, electrode_position, project, scalp_field

MUSCLE_SITES = ("T3", "T4", "F7", "F8", "Fp1", "Fp2")
"""Electrodes over the temporalis and frontalis muscles."""

_EYES = ("Fp1", "Fp2")


def event_times(rng: np.random.Generator, seconds: float, *, per_minute: float) -> np.ndarray:
    """Times of a Poisson process, increasing seconds from 0 to ``seconds``."""
    return np.sort(rng.uniform(0, seconds, rng.poisson(per_minute * seconds / 60)))


def simulate_muscle(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """Bursts of muscle activity, broad-band above 20 Hz, largest over the temples and the brow.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: bursts a minute, each 0.5 to 8 s long and 5 to 40 microvolts in size.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    muscle = np.zeros((len(ELECTRODES), samples), np.float32)
    for start in event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute):
        first = int(start * SAMPLING_RATE)
        length = min(int(rng.uniform(0.5, 8) * SAMPLING_RATE), samples - first)
        noise = coloured_noise(rng, _muscle_density, shape=(len(ELECTRODES), length))
        centre = electrode_position(rng.choice(MUSCLE_SITES))
        field = rng.uniform(5, 40) * (scalp_field(centre, width=0.5) + 0.05)
        taper = signal.windows.tukey(length, 0.3)
        muscle[:, first : first + length] += field[:, None] * noise * taper
    return muscle


def _muscle_density(frequency: np.ndarray) -> np.ndarray:
    return 0.014 / (1 + (25 / frequency) ** 6)


def simulate_blinks(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """Blinks: positive at Fp1 and Fp2, since the eye's positive pole turns up under the lid.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: blinks a minute, each about 0.3 s long and 80 to 200 microvolts in size.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    times = event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute)
    impulses = np.zeros(samples, np.float32)
    impulses[(times * SAMPLING_RATE).astype(int)] = rng.uniform(80, 200, len(times))
    after = np.arange(0, 0.6, 1 / SAMPLING_RATE)
    lid = np.exp(-0.5 * ((after - 0.15) / 0.06) ** 2)
    overshoot = 0.2 * np.exp(-0.5 * ((after - 0.36) / 0.08) ** 2)
    trace = signal.oaconvolve(impulses, (lid - overshoot).astype(np.float32))[:samples]
    field = sum(scalp_field(electrode_position(name), width=0.42) for name in _EYES)
    return project(trace, field / field.max())


def simulate_mains(
    rng: np.random.Generator, samples: int, *, frequency: float, amplitude: float, channels: int
) -> np.ndarray:
    """Interference of the power line, larger in the channels whose electrodes hold badly.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        frequency: of the power line, in Hz: 50 or 60.
        amplitude: of the median channel, in microvolts.
        channels: number of channels.

    Returns:
        Microvolts, shape ``(channels, samples)``, float32.
    """
    phase = 2 * np.pi * frequency * np.arange(samples) / SAMPLING_RATE
    hum = np.sin(phase) * np.exp(0.2 * wander(rng, samples, seconds=5))
    return project(hum.astype(np.float32), amplitude * rng.lognormal(0, 1.0, channels))


def simulate_pops(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """Electrode pops: one electrode jumps and creeps back.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: pops a minute, 50 to 300 microvolts in size, with decays of 0.1 to 0.8 s.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    pops = np.zeros((len(ELECTRODES), samples), np.float32)
    loose = rng.integers(len(ELECTRODES), size=2)
    for start in event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute):
        tail = pops[rng.choice(loose), int(start * SAMPLING_RATE) :][: 5 * SAMPLING_RATE]
        decay = np.exp(-np.arange(len(tail)) / SAMPLING_RATE / rng.uniform(0.1, 0.8))
        tail += rng.choice([-1, 1]) * rng.uniform(50, 300) * decay
    return pops


def _heartbeat() -> np.ndarray:
    """P, Q, R, S and T waves relative to R, shape ``(140,)``: R stands at 0.25 s."""
    times = np.arange(0, 0.7, 1 / SAMPLING_RATE)
    waves = (
        *((0.09, 0.02, 0.12), (0.225, 0.008, -0.12), (0.25, 0.010, 1.0)),
        *((0.277, 0.010, -0.25), (0.50, 0.045, 0.28)),
    )
    beat = sum(h * np.exp(-0.5 * ((times - t) / width) ** 2) for t, width, h in waves)
    return beat.astype(np.float32)


def simulate_heartbeats(rng: np.random.Generator, samples: int, *, rate: float) -> np.ndarray:
    """Electrocardiogram of unit R waves, with breathing and chance in its intervals.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        rate: beats a minute.

    Returns:
        Shape ``(samples,)``, float32.
    """
    seconds = samples / SAMPLING_RATE
    beats = np.arange(int(1.5 * seconds * rate / 60) + 5)
    breathing = 0.03 * np.sin(2 * np.pi * beats / 4.5)
    intervals = 60 / rate * (1 + breathing + rng.normal(0, 0.015, len(beats)))
    times = np.cumsum(intervals) - intervals[0]
    impulses = np.zeros(samples, np.float32)
    impulses[(times[times < seconds] * SAMPLING_RATE).astype(int)] = 1
    return signal.oaconvolve(impulses, _heartbeat())[:samples]


def heart_field(amplitude: float) -> np.ndarray:
    """Field of the heart over the scalp: one sign on the left, the other on the right.

    Args:
        amplitude: of the R wave at the ears, in microvolts; a few, and more in a short neck.

    Returns:
        Microvolts at each electrode, shape ``(19,)``.
    """
    return -amplitude * POSITIONS[:, 0] + 0.3 * amplitude


def blank_gaps(data: np.ndarray, gaps: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return a copy that is NaN in all channels between each gap's start and stop (seconds)."""
    blanked = data.copy()
    for start, stop in gaps:
        blanked[:, round(start * SAMPLING_RATE) : round(stop * SAMPLING_RATE)] = np.nan
    return blanked
