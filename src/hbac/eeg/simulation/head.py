"""Potentials of current dipoles on a head of three spherical shells: brain, skull and scalp."""

from __future__ import annotations

from functools import cache

import numpy as np

_SKULL = (0.87, 0.92)
"""Inner and outer radius of the skull over the head's (Rush and Driscoll, IEEE Trans. Biomed. Eng.
16, 1969)."""

_SKULL_CONDUCTIVITY = 1 / 25
"""Over that of brain and scalp (Lai et al., Clin. Neurophysiol. 116, 2005)."""

_CORTEX = 0.82
"""Radius of the cortex over the head's."""

_LOWEST = -0.35
"""Height of the lowest cortex, under the temporal lobes."""

_TERMS = 60


def _shell_weights(conductivity: float) -> np.ndarray:
    """Factor of each term of the series, shape ``(_TERMS,)`` (Ary, Klein and Fender, 1981)."""
    n = np.arange(1, _TERMS + 1)
    inner, outer = _SKULL
    through = (n + 1) * conductivity + n
    shunt = through * (n * conductivity / (n + 1) + 1)
    shunt += (1 - conductivity) * through * (inner ** (2 * n + 1) - outer ** (2 * n + 1))
    shunt -= n * (1 - conductivity) ** 2 * (inner / outer) ** (2 * n + 1)
    return (2 * n + 1) ** 3 / n * conductivity / ((n + 1) * shunt)


def _legendre(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Legendre polynomials of degree 1 to ``_TERMS`` and their derivatives, degrees first."""
    values, slopes = [np.ones_like(x), x], [np.zeros_like(x), np.ones_like(x)]
    for n in range(1, _TERMS):
        values.append(((2 * n + 1) * x * values[n] - n * values[n - 1]) / (n + 1))
        slopes.append((2 * n + 1) * values[n] + slopes[n - 1])
    return np.stack(values[1:]), np.stack(slopes[1:])


def lead_field(
    places: np.ndarray, electrodes: np.ndarray, *, conductivity: float = _SKULL_CONDUCTIVITY
) -> np.ndarray:
    """Potential of unit dipoles at electrodes on the surface of a sphere of radius 1.

    The series of Ary, Klein and Fender, "Location of sources of evoked scalp potentials:
    corrections for skull and scalp thicknesses", IEEE Trans. Biomed. Eng. 28, 1981.

    Args:
        places: where the dipoles are, shape ``(sources, 3)``, inside the brain and not its centre.
        electrodes: unit vectors, shape ``(electrodes, 3)``.
        conductivity: of the skull, over that of brain and scalp; 1 is a homogeneous sphere.

    Returns:
        Relative potential of a dipole along each axis, shape ``(electrodes, sources, 3)``.
    """
    depths = np.linalg.norm(places, axis=1)
    radial = places / depths[:, None]
    x = np.clip(electrodes @ radial.T, -1, 1)
    values, slopes = _legendre(x)
    n = np.arange(1, _TERMS + 1)[:, None]
    series = _shell_weights(conductivity)[:, None] * depths ** (n - 1)
    along = np.einsum("ns,nes->es", series * n, values)
    across = np.einsum("ns,nes->es", series, slopes)
    sideways = electrodes[:, None] - x[..., None] * radial
    return along[..., None] * radial + across[..., None] * sideways


@cache
def cortex(sources: int = 400) -> np.ndarray:
    """Places spread evenly over the cortex, shape ``(sources, 3)``: right, front, up."""
    steps = np.arange(sources) + 0.5
    height = 1 - (1 - _LOWEST) * steps / sources
    turn = np.pi * (1 + np.sqrt(5)) * steps
    flat = np.sqrt(1 - height**2)
    places = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)
    return _CORTEX * places
