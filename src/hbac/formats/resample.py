"""Resampling to 200 Hz that does not depend on where a recording is cut for it.

A polyphase low-pass (Crochiere and Rabiner 1983, Multirate Digital Signal Processing) with a Kaiser
window, of zero phase. Inputs are taken in blocks that repeat their phases, so that each block is
one product with the same matrix; what comes out depends on the samples around it alone, never on
the borders of what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy

from hbac.eeg.recording import SAMPLING_RATE

_PASSED = 0.8
"""Share of the lower of the two Nyquist frequencies that passes as it is: 80 Hz of 100."""

_ATTENUATION_DB = 70.0
"""Of what lies beyond that Nyquist frequency, which would come back as an alias."""

_MOST_PHASES = 1000
"""A rate is taken for the nearest ratio to 200 Hz of no larger terms: a millionth away at most."""

_SHORTEST_BLOCK = 48
_BLOCKS_AT_ONCE = 16
_LOTS_AT_ONCE = 8
_LEAST_WEIGHT = 0.5

Read = Callable[[int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Kernel:
    """How blocks of a signal become blocks at 200 Hz.

    Attributes:
        n_in: samples by which a block advances.
        n_out: samples that a block gives.
        margin: samples that it needs before itself.
        matrix: weights, shape ``(samples seen, n_out)``, float32; each column sums to 1.
    """

    n_in: int
    n_out: int
    margin: int
    matrix: np.ndarray


def ratio(sampling_rate: Fraction) -> Fraction:
    """Samples at 200 Hz a sample."""
    exact = SAMPLING_RATE / Fraction(sampling_rate)
    if exact >= 1:
        return 1 / (1 / exact).limit_denominator(_MOST_PHASES)
    return exact.limit_denominator(_MOST_PHASES)


@lru_cache(maxsize=32)
def kernel(step: Fraction) -> Kernel:
    """Design the filter for a ratio.

    Args:
        step: see ``ratio``.
    """
    repeats = -(-_SHORTEST_BLOCK // step.denominator)
    n_in, n_out = step.denominator * repeats, step.numerator * repeats
    # All in samples of the input.
    nyquist = min(1.0, float(step)) / 2
    beta = scipy.signal.kaiser_beta(_ATTENUATION_DB)
    half = (_ATTENUATION_DB - 7.95) / (2.285 * 2 * np.pi * (1 - _PASSED) * nyquist) / 2
    cutoff = (1 + _PASSED) / 2 * nyquist
    margin = int(np.ceil(half))
    seen = np.arange(-margin, n_in + margin)
    distance = seen[:, None] - np.arange(n_out) / float(step)
    inside = np.clip(1 - (distance / half) ** 2, 0, None)
    weights = np.sinc(2 * cutoff * distance) * np.i0(beta * np.sqrt(inside)) * (inside > 0)
    return Kernel(n_in, n_out, margin, (weights / weights.sum(axis=0)).astype(np.float32))


def n_resampled(n_samples: int, step: Fraction) -> int:
    """Samples at 200 Hz that fall within so many samples."""
    return -(-n_samples * step.numerator // step.denominator)


def _product(values: np.ndarray, matrix: np.ndarray, n_blocks: int, n_in: int) -> np.ndarray:
    """Blocks times the matrix, in lots of equal shape, so that each sum is the same sum always."""
    seen = np.lib.stride_tricks.sliding_window_view(values, len(matrix), axis=-1)[:, ::n_in]
    blocks = np.ascontiguousarray(seen[:, :n_blocks])
    lots = blocks.reshape(len(values), -1, _BLOCKS_AT_ONCE, len(matrix))
    return np.matmul(lots, matrix).reshape(len(values), -1)


def _resample_blocks(read: Read, n_samples: int, shape: Kernel, first: int, n: int) -> np.ndarray:
    """The blocks ``first`` to ``first + n``, of which ``n`` is a multiple of a lot."""
    begin = first * shape.n_in - shape.margin
    end = begin + n * shape.n_in + 2 * shape.margin
    known = max(begin, 0), max(min(end, n_samples), 0)
    there = read(*known)
    is_whole = known == (begin, end)
    missing = np.isnan(there.sum(axis=1))
    if is_whole and not missing.any():
        return _product(there, shape.matrix, n, shape.n_in)
    values = np.zeros((len(there), end - begin), np.float32)
    present = np.zeros_like(values)
    inside = slice(known[0] - begin, known[1] - begin)
    present[:, inside] = ~np.isnan(there)
    values[:, inside] = np.nan_to_num(there)
    return _weighted(values, present, shape, n)


def _weighted(values: np.ndarray, present: np.ndarray, shape: Kernel, n: int) -> np.ndarray:
    """The weighted mean of what is there, NaN where the sample of that moment is missing."""
    weights = _product(present, shape.matrix, n, shape.n_in)
    sums = _product(values, shape.matrix, n, shape.n_in)
    # Blocks of which all is there come out as in a part without gaps, to the last digit.
    seen = np.lib.stride_tricks.sliding_window_view(present, len(shape.matrix), axis=-1)
    whole = seen[:, :: shape.n_in][:, :n].all(axis=-1)
    weights[np.repeat(whole, shape.n_out, axis=1)] = 1
    moment = shape.margin + np.arange(n * shape.n_out) * shape.n_in // shape.n_out
    # With little around it, such as before the end of a slow signal, a sample is held.
    held = weights < _LEAST_WEIGHT
    means = np.where(held, values[:, moment], sums / np.where(held, 1, weights))
    return np.where(present[:, moment] > 0, means, np.float32(np.nan))


def resample(read: Read, n_samples: int, step: Fraction, first: int, last: int) -> np.ndarray:
    """Resample a part of a stretch of EEG to 200 Hz.

    Beside an end or a missing sample, a value is the weighted mean of the samples that are there,
    so that nothing rings. Half the filter's length is so, 0.11 s for rates of 200 Hz and more.

    Args:
        read: gives the samples ``first`` to ``last`` of the stretch, shape ``(channels, samples)``,
            float32, NaN where missing.
        n_samples: length of the stretch.
        step: see ``ratio``.
        first: first sample at 200 Hz, counted from the stretch's start.
        last: the one after the last.

    Returns:
        Shape ``(channels, last - first)``, float32; the same whatever ``first`` and ``last`` are.
        NaN where the sample of that moment is missing.
    """
    if step == 1:
        return read(first, last)
    shape = kernel(step)
    lot = _BLOCKS_AT_ONCE * shape.n_out
    begin, end = first // lot, -(-last // lot)
    parts = []
    for number in range(begin, end, _LOTS_AT_ONCE):
        n_blocks = min(_LOTS_AT_ONCE, end - number) * _BLOCKS_AT_ONCE
        parts.append(_resample_blocks(read, n_samples, shape, number * _BLOCKS_AT_ONCE, n_blocks))
    return np.concatenate(parts, axis=1)[:, first - begin * lot :][:, : last - first]
