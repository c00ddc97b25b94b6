"""Numbers of half precision, faster than NumPy converts them without the processor's help."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

_DROPPED_BITS = 13
"""Bits of the fraction that float32 has and float16 has not."""
_EXPONENT_SHIFT = (127 - 15) << 23
_SMALLEST_NORMAL = 113 << 23
_INFINITE = 143 << 23
_INFINITE_HALF = 0x7C00
_SUBNORMALS_PER_UNIT = np.float32(2.0**24)
_SIGN_AND_VALUE = np.int32(0x8FFFE000 - (1 << 32))


def _round_bits(values, patterns, halves):
    """Round to the nearest, to even where two are as near; all patterns are integers."""
    for k in range(len(values)):
        size = patterns[k] & 0x7FFFFFFF
        odd = (size >> _DROPPED_BITS) & 1
        rounded = (size - _EXPONENT_SHIFT + 0xFFF + odd) >> _DROPPED_BITS
        steps = np.rint(min(abs(values[k]), np.float32(1)) * _SUBNORMALS_PER_UNIT)
        rounded = np.int32(steps) if size < _SMALLEST_NORMAL else rounded
        rounded = _INFINITE_HALF if size >= _INFINITE else rounded
        rounded = 0x7E00 if size > 0x7F800000 else rounded
        halves[k] = ((patterns[k] >> 16) & 0x8000) | rounded


@cache
def _rounding() -> Callable[..., None]:
    """Compile the loop where it is wanted; most that imports this module does without numba."""
    import numba

    return numba.njit(cache=True)(_round_bits)


def to_half(values: np.ndarray) -> np.ndarray:
    """Return ``values.astype(np.float16)``, bit for bit but for what NaN may carry.

    Args:
        values: of any shape; what exceeds 65,504 becomes infinite. Of other types than float32
            NumPy makes them, since two roundings are not one.
    """
    if values.dtype != np.float32:
        return values.astype(np.float16)
    flat = np.ascontiguousarray(values).ravel()
    halves = np.empty(flat.shape, np.uint16)
    _rounding()(flat, flat.view(np.int32), halves)
    return halves.view(np.float16).reshape(values.shape)


def widen(values: np.ndarray, single: np.ndarray) -> None:
    """Copy finite numbers of any type into an array of 32-bit ones.

    NumPy converts halves one by one. Both types begin with the sign, then exponent and fraction;
    after a shift of the latter the exponent only counts from elsewhere.

    Args:
        values: finite.
        single: of the same shape, float32.
    """
    if values.dtype != np.float16:
        single[...] = values
        return
    bits = single.view(np.int32)
    bits[...] = values.view(np.int16)
    np.left_shift(bits, _DROPPED_BITS, out=bits)
    np.bitwise_and(bits, _SIGN_AND_VALUE, out=bits)
    np.multiply(single, np.float32(2.0**112), out=single)


def all_finite(values: np.ndarray) -> bool:
    """Tell whether there is neither NaN nor infinity; of halves at a tenth of NumPy's cost."""
    if values.dtype == np.float16:
        return bool((values.view(np.uint16) & 0x7FFF).max(initial=0) < _INFINITE_HALF)
    return bool(np.isfinite(values).all())
