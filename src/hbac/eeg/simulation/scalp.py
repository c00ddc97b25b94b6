"""Where the electrodes sit, and the fields of what they see."""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np

from hbac.eeg.montage import BIPOLAR_PAIRS, MIDLINE_PAIRS
from hbac.eeg.recording import ELECTRODES, SAMPLING_RATE
from hbac.eeg.simulation.head import cortex, lead_field

_NARROWEST = 0.1
_FOLDED = 0.15
"""Variance of what sulci add, each place by itself, over that of the patches."""

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

MIRRORED = np.array([np.abs(POSITIONS - p * [-1, 1, 1]).sum(1).argmin() for p in POSITIONS])
"""Electrode whose place each one takes when left and right are swapped."""

LEFT_FOCI = ("F7", "T3", "T5", "F3", "C3", "P3")
RIGHT_FOCI = ("F8", "T4", "T6", "F4", "C4", "P4")


def electrode_position(name: str) -> np.ndarray:
    """Unit vector to an electrode, shape ``(3,)``: right, front, up."""
    return POSITIONS[ELECTRODES.index(name)]


def frontal_position(inclination: float) -> np.ndarray:
    """Unit vector to the frontal midline, ``inclination`` degrees forward of Cz (Fpz is 90)."""
    return _unit_vectors(np.array([[inclination, 90.0]]))[0]


def _angles(centre: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.arccos(np.clip(places @ centre, -1, 1))


def scalp_field(centre: np.ndarray, *, width: float) -> np.ndarray:
    """Potential of a source in the scalp at each electrode, a Gaussian of the angle.

    Args:
        centre: unit vector to the source, shape ``(3,)``.
        width: standard deviation of the fall-off, in radians; 1 is about 9 cm of scalp.

    Returns:
        Relative amplitude, 1 at the source, shape ``(19,)``.
    """
    return np.exp(-0.5 * (_angles(centre, POSITIONS) / width) ** 2)


@cache
def _cortical_fields() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to places on the cortex, and the fields of dipoles there, (19, places, 3)."""
    places = cortex()
    return places / np.linalg.norm(places, axis=1)[:, None], lead_field(places, POSITIONS)


def _longitudinal_bipolar() -> np.ndarray:
    """Matrix from 19 electrodes to the 16 channels of the chains and two of the midline."""
    pairs = (*chain.from_iterable(BIPOLAR_PAIRS.values()), *MIDLINE_PAIRS)
    montage = np.zeros((len(pairs), len(ELECTRODES)))
    for row, (front, back) in zip(montage, pairs, strict=True):
        row[[ELECTRODES.index(front), ELECTRODES.index(back)]] = 1, -1
    return montage


_BIPOLAR = _longitudinal_bipolar()


def bipolar_amplitudes(field: np.ndarray) -> np.ndarray:
    """Size of a field in the 18 channels of the longitudinal bipolar montage, shape ``(18,)``."""
    return np.abs(_BIPOLAR @ field)


def bipolar_amplitude_of(eeg: np.ndarray) -> float:
    """Root mean square of EEG, shape ``(19, samples)``, over the 18 channels of that montage."""
    covariance = np.cov(eeg)
    return float(np.sqrt(np.mean(np.diag(_BIPOLAR @ covariance @ _BIPOLAR.T))))


def channels_involved(field: np.ndarray) -> int:
    """Number of those channels in which a field is at least a third of its largest."""
    amplitudes = bipolar_amplitudes(field)
    return int((amplitudes >= amplitudes.max() / 3).sum())


def _of_unit_amplitude(field: np.ndarray) -> np.ndarray:
    return field / bipolar_amplitudes(field).max()


def patch_field(centre: np.ndarray, *, width: float, tilt: np.ndarray | float = 0.0) -> np.ndarray:
    """Field of a patch of cortex that is active as one.

    Its dipoles stand upright on the cortex, as those of gyri do, or lean, as those of a sulcus do:
    then the potential reverses its phase from one side of the patch to the other.

    Args:
        centre: unit vector to the middle of the patch, shape ``(3,)``.
        width: standard deviation of the patch's activity, in radians.
        tilt: what is added to the upright unit vectors, shape ``(3,)``.

    Returns:
        Relative amplitude, 1 in the longitudinal bipolar channel where it is largest, positive
        over the patch, shape ``(19,)``.
    """
    places, fields = _cortical_fields()
    activity = np.exp(-0.5 * (_angles(centre, places) / max(width, _NARROWEST)) ** 2)
    return _of_unit_amplitude(np.einsum("esk,sk,s->e", fields, places + tilt, activity))


def lateralised_field(
    focus: str, *, width: float, contralateral: float, tilt: np.ndarray | float = 0.0
) -> np.ndarray:
    """Field of a patch of one hemisphere and, weaker, of its mirror image.

    Args:
        focus: electrode over the middle of the patch.
        width: standard deviation of the patch's activity, in radians.
        contralateral: amplitude of the mirrored patch, 0 (one side alone) to 1 (both sides alike).
        tilt: as in ``patch_field``.

    Returns:
        Relative amplitude, 1 in the longitudinal bipolar channel where it is largest, shape
        ``(19,)``.
    """
    own = patch_field(electrode_position(focus), width=width, tilt=tilt)
    return _of_unit_amplitude(own + contralateral * own[MIRRORED])


def width_involving(
    channels: int, focus: str, *, contralateral: float, tilt: np.ndarray | float = 0.0
) -> float:
    """Width, in radians, at which a ``lateralised_field`` involves about so many channels."""

    def miss(width: float) -> int:
        field = lateralised_field(focus, width=width, contralateral=contralateral, tilt=tilt)
        return abs(channels_involved(field) - channels)

    return float(min(np.linspace(_NARROWEST, 2.0, 24), key=miss))


def generalised_field(
    *, inclination: float, posterior: float, asymmetry: float, width: float = 0.8
) -> np.ndarray:
    """Field over both hemispheres with frontal predominance.

    Args:
        inclination: where on the frontal midline it is largest, degrees forward of Cz.
        posterior: amplitude that is left far from there, 0 to 1.
        asymmetry: part by which the right side is smaller (negative: the left), -1 to 1.
        width: standard deviation of the fall-off, in radians.

    Returns:
        Relative amplitude, 1 in the longitudinal bipolar channel where it is largest, shape
        ``(19,)``.
    """
    frontal = scalp_field(frontal_position(inclination), width=width)
    field = posterior + (1 - posterior) * frontal
    return _of_unit_amplitude(field * (1 - np.maximum(asymmetry * POSITIONS[:, 0], 0)))


@cache
def volume_conduction(width: float, bilateral: float) -> np.ndarray:
    """Matrix that turns independent noise into the potentials of ongoing activity.

    Dipoles all over the cortex, of any orientation, are active alike with their neighbours, and
    in part with their mirror image in the other hemisphere. The narrower the patches, the less
    electrodes have in common; but never nothing, since the head conducts.

    Args:
        width: standard deviation of the patches, in radians; some 0.1 for fast activity, and 0.6
            for the slow waves of sleep and encephalopathy.
        bilateral: correlation with the other hemisphere, 0 to 1.

    Returns:
        Shape ``(19 electrodes, 19 sources)``; of unit mean square over the 18 longitudinal bipolar
        channels.
    """
    places, fields = _cortical_fields()
    alike = sum(
        share * np.exp(-0.5 * (_angles(others.T, places) / width) ** 2)
        for share, others in ((1, places), (bilateral, places * [-1, 1, 1]))
    )
    upright = np.einsum("esk,sk->es", fields, places)
    folded = np.einsum("esk,fsk->ef", fields, fields)
    covariance = upright @ alike @ upright.T
    covariance += _FOLDED * np.trace(covariance) / np.trace(folded) * folded
    covariance /= np.mean(np.diag(_BIPOLAR @ covariance @ _BIPOLAR.T))
    return np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance)))


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
