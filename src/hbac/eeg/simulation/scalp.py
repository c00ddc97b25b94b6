"""Where the electrodes sit, and how potentials fall off over the scalp."""

from __future__ import annotations

import numpy as np

from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE

_ANGLES = {
    **{"Fp1": (90, 108), "F7": (90, 144), "T3": (90, 180), "T5": (90, 216), "O1": (90, 252)},
    **{"Fp2": (90, 72), "F8": (90, 36), "T4": (90, 0), "T6": (90, 324), "O2": (90, 288)},
    **{"F3": (60, 129), "C3": (45, 180), "P3": (60, 231), "Fz": (45, 90), "Cz": (0, 90)},
    **{"F4": (60, 51), "C4": (45, 0), "P4": (60, 309), "Pz": (45, 270)},
}


def _unit_vectors(degrees: np.ndarray) -> np.ndarray:
    inclination, azimuth = np.radians(degrees).T
    flat = np.sin(inclination)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.cos(inclination)], axis=-1)


POSITIONS = _unit_vectors(np.array([_ANGLES[name] for name in ELECTRODES], dtype=float))
"""Electrodes of the 10-20 system on a unit sphere, shape ``(19, 3)``: right, front, up."""

LEFT_FOCI = ("F7", "T3", "T5", "F3", "C3", "P3")
RIGHT_FOCI = ("F8", "T4", "T6", "F4", "C4", "P4")


def electrode_position(name: str) -> np.ndarray:
    """Unit vector to an electrode, shape ``(3,)``: right, front, up."""
    return POSITIONS[ELECTRODES.index(name)]


def frontal_position(inclination: float) -> np.ndarray:
    """Unit vector to the frontal midline, ``inclination`` degrees forward of Cz (Fpz is 90)."""
    return _unit_vectors(np.array([[inclination, 90.0]]))[0]


def scalp_field(centre: np.ndarray, *, width: float) -> np.ndarray:
    """Potential of a source at each electrode, falling off as a Gaussian of the angle.

    Args:
        centre: unit vector to the source, shape ``(3,)``.
        width: standard deviation of the fall-off, in radians; 1 is about 9 cm of scalp.

    Returns:
        Relative amplitude, 1 at the source, shape ``(19,)``.
    """
    angles = np.arccos(np.clip(POSITIONS @ centre, -1, 1))
    return np.exp(-0.5 * (angles / width) ** 2)


def lateralised_field(focus: str, *, width: float, contralateral: float) -> np.ndarray:
    """Field of a focus that spreads over its hemisphere and, weaker, to its mirror image.

    Args:
        focus: electrode at which the field is largest.
        width: standard deviation of the fall-off, in radians.
        contralateral: amplitude of the mirrored field, 0 (one side alone) to 1 (both sides alike).

    Returns:
        Relative amplitude, at most 1, shape ``(19,)``.
    """
    centre = electrode_position(focus)
    mirrored = scalp_field(centre * [-1, 1, 1], width=width)
    field = scalp_field(centre, width=width) + contralateral * mirrored
    return field / field.max()


def generalised_field(*, inclination: float, posterior: float, asymmetry: float) -> np.ndarray:
    """Field over both hemispheres with frontal predominance.

    Args:
        inclination: where on the frontal midline it is largest, degrees forward of Cz.
        posterior: amplitude that is left far from there, 0 to 1.
        asymmetry: part by which the right side is smaller (negative: the left), -1 to 1.

    Returns:
        Relative amplitude, shape ``(19,)``.
    """
    frontal = scalp_field(frontal_position(inclination), width=0.8)
    field = posterior + (1 - posterior) * frontal
    return field * (1 - np.maximum(asymmetry * POSITIONS[:, 0], 0))


def neighbour_mixing(*, width: float) -> np.ndarray:
    """Matrix that turns 19 independent sources into 19 electrodes that share them.

    Rows have unit norm, so an electrode keeps the sources' variance, and electrodes correlate the
    more the nearer they are, as volume conduction makes them.

    Args:
        width: standard deviation of a source's fall-off, in radians.

    Returns:
        Shape ``(19 electrodes, 19 sources)``.
    """
    fields = np.stack([scalp_field(position, width=width) for position in POSITIONS], axis=1)
    return fields / np.linalg.norm(fields, axis=1, keepdims=True)


def front_to_back_delays(seconds: float) -> np.ndarray:
    """Delay of each electrode when a wave takes ``seconds`` from Fp1/Fp2 to O1/O2.

    Args:
        seconds: the lag; negative for a wave that travels from back to front.

    Returns:
        Delays in seconds, the earliest 0, shape ``(19,)``.
    """
    delays = -POSITIONS[:, 1] / np.ptp(POSITIONS[:, 1]) * seconds
    return delays - delays.min()


def project(trace: np.ndarray, field: np.ndarray, delays: np.ndarray | float = 0.0) -> np.ndarray:
    """Show a source's time course at every electrode.

    Args:
        trace: shape ``(samples,)``, at 200 Hz.
        field: relative amplitude at each electrode, shape ``(electrodes,)``.
        delays: seconds by which each electrode lags, at least 0, shape ``(electrodes,)``.

    Returns:
        Shape ``(electrodes, samples)``; a delayed electrode starts with zeros.
    """
    shifts = np.broadcast_to(np.round(np.asarray(delays) * SAMPLING_RATE).astype(int), field.shape)
    padded = np.concatenate([np.zeros(shifts.max(), trace.dtype), trace])
    firsts = shifts.max() - shifts
    shifted = np.stack([padded[first : first + len(trace)] for first in firsts])
    return shifted * field.astype(trace.dtype)[:, None]
