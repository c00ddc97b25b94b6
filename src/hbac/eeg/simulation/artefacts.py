"""What an ICU adds to EEG: muscle, chewing, eyes, movement, mains, machines, heart and gaps.

Appearances follow Tatum et al., "Artifact and recording concepts in EEG", J. Clin. Neurophysiol.
28, 2011.
"""

from __future__ import annotations

import numpy as np
import scipy

from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE
from hbac.eeg.simulation.background import coloured_noise, power_law, wander
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
        taper = scipy.signal.windows.tukey(length, 0.3)
        muscle[:, first : first + length] += field[:, None] * noise * taper
    return muscle


def _muscle_density(frequency: np.ndarray) -> np.ndarray:
    return 0.014 / (1 + (25 / frequency) ** 6)


def simulate_tone(rng: np.random.Generator, samples: int, *, amplitude: float) -> np.ndarray:
    """Muscles that never relax: lasting activity of some temporal and frontal electrodes.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        amplitude: root mean square of the largest, in microvolts.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    rows = [ELECTRODES.index(name) for name in MUSCLE_SITES]
    noise = coloured_noise(rng, _muscle_density, shape=(len(rows), samples))
    sizes = amplitude * rng.uniform(0, 1, (len(rows), 1)) ** 3
    tone = np.zeros((len(ELECTRODES), samples), np.float32)
    tone[rows] = sizes * noise * np.exp(0.3 * wander(rng, samples, seconds=5))
    return tone


def simulate_chewing(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """Chewing: bouts of muscle bursts over both temples, one or two a second.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: bouts a minute, each 3 to 10 s long.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    times = np.arange(samples, dtype=np.float32) / SAMPLING_RATE
    envelope = np.zeros(samples, np.float32)
    for start in event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute):
        inside = (times >= start) & (times < start + rng.uniform(3, 10))
        cycles = np.sin(np.pi * rng.uniform(1, 2) * (times[inside] - start))
        envelope[inside] = rng.uniform(10, 40) * cycles**4
    noise = coloured_noise(rng, _muscle_density, shape=(len(ELECTRODES), samples))
    field = sum(scalp_field(electrode_position(name), width=0.5) for name in ("T3", "T4"))
    return noise * field.astype(np.float32)[:, None] * envelope


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
    trace = scipy.signal.oaconvolve(impulses, (lid - overshoot).astype(np.float32))[:samples]
    field = sum(scalp_field(electrode_position(name), width=0.42) for name in _EYES)
    return project(trace, field / field.max())


def simulate_gaze(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """Eyes that move to the side: one sign at F7, the other at F8, until they move back.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: movements a minute, each 20 to 80 microvolts in size.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    steps = np.zeros(samples)
    for start in event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute):
        first = int(start * SAMPLING_RATE)
        steps[first : first + int(rng.uniform(0.3, 2) * SAMPLING_RATE)] += rng.uniform(-80, 80)
    # Eyes take some 50 ms, and amplifiers let a step go within a second.
    band = scipy.signal.butter(1, (0.3, 8), "bandpass", fs=SAMPLING_RATE, output="sos")
    field = scalp_field(electrode_position("F7"), width=0.4)
    field = field - scalp_field(electrode_position("F8"), width=0.4)
    return project(scipy.signal.sosfilt(band, steps).astype(np.float32), field)


def simulate_movement(rng: np.random.Generator, samples: int, *, per_minute: float) -> np.ndarray:
    """A head or cables that move, or sweat: slow waves of all sizes, each electrode its own.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        per_minute: movements a minute, each 1 to 6 s long.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    moved = np.zeros((len(ELECTRODES), samples), np.float32)
    for start in event_times(rng, samples / SAMPLING_RATE, per_minute=per_minute):
        first = int(start * SAMPLING_RATE)
        length = min(int(rng.uniform(1, 6) * SAMPLING_RATE), samples - first)
        density = power_law(exponent=2.2, rms=float(rng.uniform(15, 80)))
        noise = coloured_noise(rng, density, shape=(len(ELECTRODES), length))
        sizes = rng.uniform(0, 1, (len(ELECTRODES), 1)).astype(np.float32) ** 2
        moved[:, first : first + length] += sizes * noise * scipy.signal.windows.tukey(length, 0.5)
    return moved


def simulate_bad_electrodes(
    rng: np.random.Generator, samples: int, *, frequency: float, count: int
) -> np.ndarray:
    """Electrodes that hardly touch the skin: hum and slow drift many times the EEG.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.
        frequency: of the power line, in Hz.
        count: how many of the 19.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    bad = np.zeros((len(ELECTRODES), samples), np.float32)
    phase = 2 * np.pi * frequency * np.arange(samples) / SAMPLING_RATE
    for row in rng.permutation(len(ELECTRODES))[:count]:
        drift = coloured_noise(rng, power_law(exponent=2.0, rms=1.0), shape=(1, samples))[0]
        hum = np.sin(phase + rng.uniform(0, 2 * np.pi)) * rng.uniform(5, 100)
        bad[row] = hum + drift * rng.uniform(5, 60)
    return bad


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


def simulate_machine(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A respirator, a pump or dialysis that shakes a few electrodes in time.

    Args:
        rng: source of randomness.
        samples: number of samples, at 200 Hz.

    Returns:
        Microvolts, shape ``(19, samples)``, float32: a breath every 3 to 6 s, or 5 to 15 strokes a
        second.
    """
    rate = rng.choice([rng.uniform(1 / 6, 1 / 3), rng.uniform(5, 15)])
    phase = 2 * np.pi * rate * np.arange(samples) / SAMPLING_RATE
    stroke = np.exp(3 * (np.cos(phase) - 1)) - 0.25 * np.cos(2 * phase + 1)
    sizes = np.zeros(len(ELECTRODES))
    shaken = rng.permutation(len(ELECTRODES))[: rng.integers(1, 6)]
    sizes[shaken] = rng.uniform(-60, 60, len(shaken))
    return project(stroke.astype(np.float32), sizes)


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
    return scipy.signal.oaconvolve(impulses, _heartbeat())[:samples]


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
