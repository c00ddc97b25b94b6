"""Remove And Debias: what a class loses when evidence is replaced by what its surroundings say.

Rong, Leemann, Borisov, Kasneci and Kasneci, A Consistent and Efficient Evaluation Strategy for
Attribution Methods, ICML 2022, arXiv:2202.00449.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import correlate

from hbac.eeg.panel import Panel
from hbac.explain.fills import interpolated
from hbac.explain.tiles import Score, Tiles, scores_without

Impute = Callable[..., np.ndarray]
"""``noisy_linear_imputation``, or what takes and returns the same."""

_DIRECT, _DIAGONAL = np.float32(1 / 6), np.float32(1 / 12)
_MOST_STEPS = 2000
_TOLERANCE = 1e-5
"""Of the equations, in standard deviations of a panel. Pixels then are within 0.002 deviations of
the exact solution in panels of 32 x 64, and within 0.04 in those of 128 x 256."""


@numba.njit(cache=True, nogil=True, fastmath=True)
def _level_and_scale(panel, known):
    """Mean and standard deviation of the known pixels."""
    total = squares = 0.0
    for i in range(panel.shape[0]):
        for j in range(panel.shape[1]):
            value = np.float64(panel[i, j]) if known[i, j] else 0.0
            total += value
            squares += value * value
    n = known.sum()
    return total / n, np.sqrt(max(squares / n - (total / n) ** 2, 0.0))


@numba.njit(cache=True, nogil=True, fastmath=True)
def _differences(values, weights, out):
    """Set unknown pixels to their weight times their value, minus their weighted neighbours.

    Returns the product of values and differences. Its rows are summed in 32 bits, which are
    quicker, and their sums in 64.
    """
    total = 0.0
    for i in range(1, values.shape[0] - 1):
        row = np.float32(0)
        for j in range(1, values.shape[1] - 1):
            direct = values[i - 1, j] + values[i + 1, j] + values[i, j - 1] + values[i, j + 1]
            diagonal = values[i - 1, j - 1] + values[i - 1, j + 1]
            diagonal += values[i + 1, j - 1] + values[i + 1, j + 1]
            neighbours = _DIRECT * direct + _DIAGONAL * diagonal
            out[i, j] = weights[i, j] * values[i, j] - neighbours if weights[i, j] > 0 else 0
            row += values[i, j] * out[i, j]
        total += row
    return total


@numba.njit(cache=True, nogil=True, fastmath=True)
def _advance(values, residual, direction, change, step):
    """Take one step along a direction; returns the sum of what is left, squared."""
    total = 0.0
    for i in range(values.shape[0]):
        row = np.float32(0)
        for j in range(values.shape[1]):
            values[i, j] += step * direction[i, j]
            residual[i, j] -= step * change[i, j]
            row += residual[i, j] * residual[i, j]
        total += row
    return total


@numba.njit(cache=True, nogil=True, fastmath=True)
def _turn(direction, residual, share):
    for i in range(direction.shape[0]):
        for j in range(direction.shape[1]):
            direction[i, j] = residual[i, j] + share * direction[i, j]


@numba.njit(cache=True, nogil=True)
def _solve(values, weights, tolerance):
    """Conjugate gradients; changes the pixels with a weight in place."""
    residual, change = np.zeros_like(values), np.zeros_like(values)
    direction = np.zeros_like(values)
    _differences(values, weights, change)
    error = _advance(values, residual, direction, change, np.float32(1))
    enough = tolerance**2 * (weights > 0).sum()
    _turn(direction, residual, np.float32(0))
    for _ in range(_MOST_STEPS):
        if error <= enough:
            break
        step = np.float32(error / _differences(direction, weights, change))
        before, error = error, _advance(values, residual, direction, change, step)
        _turn(direction, residual, np.float32(error / before))


@numba.njit(cache=True, nogil=True)
def _impute_panel(panel, removed, neighbours, tolerance):
    """Fill the removed pixels of a panel in place, of which some are known."""
    level, scale = _level_and_scale(panel, ~removed)
    # Around 0, single precision is enough for panels of any level.
    values = np.zeros((panel.shape[0] + 2, panel.shape[1] + 2), np.float32)
    weights = np.zeros_like(values)
    for i in range(panel.shape[0]):
        for j in range(panel.shape[1]):
            if removed[i, j]:
                weights[i + 1, j + 1] = neighbours[i, j]
            else:
                values[i + 1, j + 1] = panel[i, j] - level
    if scale > tolerance * abs(level):
        _solve(values, weights, tolerance * scale)
    for i in range(panel.shape[0]):
        for j in range(panel.shape[1]):
            if removed[i, j]:
                panel[i, j] = values[i + 1, j + 1] + level


@cache
def _neighbours(shape: tuple[int, int]) -> np.ndarray:
    """Sum of the weights of each pixel's neighbours within the panel, 1 but at its borders."""
    weights = [[_DIAGONAL, _DIRECT, _DIAGONAL], [_DIRECT, 0, _DIRECT]]
    kernel = np.array([*weights, weights[0]], np.float32)
    return correlate(np.ones(shape, np.float32), kernel, mode="constant")


def _impute(picture: np.ndarray, removed: np.ndarray, panels: Sequence[Panel]) -> np.ndarray:
    imputed = np.array(picture, np.float32)
    for panel in panels:
        part, gone = (array[panel.rows, panel.columns] for array in (imputed, removed))
        if gone.all():
            part[:] = part.mean(dtype=float)
        elif gone.any():
            _impute_panel(part, gone, _neighbours(part.shape), _TOLERANCE)
    return imputed


def _noisy(imputed: np.ndarray, removed: np.ndarray, noise: float, rng) -> np.ndarray:
    drawn = rng.standard_normal(imputed.shape, np.float32)
    return imputed + np.float32(noise) * drawn * removed


def noisy_linear_imputation(
    pictures: np.ndarray,
    removed: np.ndarray,
    panels: Sequence[Panel],
    *,
    noise: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replace removed pixels by the weighted mean of their neighbours, and add noise.

    Each removed pixel equals the mean of its eight neighbours, the four direct ones with a weight
    of 1/6 and the four diagonal ones with 1/12 (Rong et al. 2022). All removed pixels of a
    panel make one system of linear equations, solved by conjugate gradients. Panels know
    nothing of each other: at a panel's border the weights of the neighbours that are there are
    scaled to sum up to 1. A panel that is removed as a whole takes its own mean.

    Args:
        pictures: shape ``(n, height, width)``.
        removed: which pixels, booleans of shape ``(n, height, width)``.
        panels: what makes up the picture.
        noise: standard deviation of the noise on the removed pixels.
        rng: draws the noise.

    Returns:
        Shape ``(n, height, width)``, float32.
    """
    imputed = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_impute)(picture, mask, panels)
        for picture, mask in zip(pictures, removed, strict=True)
    )
    return _noisy(np.stack(imputed), removed, noise, rng)


def noisy_interpolation(
    waveforms: np.ndarray,
    removed: np.ndarray,
    panels: Sequence[Panel],
    *,
    noise: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replace removed samples by a straight line in time within their channel, and add noise.

    A sample's neighbours are those of its own channel: those of the channel below were recorded
    from other electrodes.

    Args:
        waveforms: shape ``(n, channels, samples)``.
        removed: which samples, booleans of that shape.
        panels: are not asked, as no line crosses from one row to another.
        noise: standard deviation of the noise on the removed samples.
        rng: draws the noise.

    Returns:
        Shape ``(n, channels, samples)``, float32.
    """
    return _noisy(interpolated(waveforms, removed), removed, noise, rng)


class Road(NamedTuple):
    """Values of a class after each share of the tiles, two arrays ``(..., n, fractions)``.

    With the most relevant tiles removed first, and with the least relevant first.
    """

    most_first: np.ndarray
    least_first: np.ndarray


def remove_and_debias(
    score: Score,
    pictures: np.ndarray,
    maps: np.ndarray,
    classes: np.ndarray,
    *,
    tiles: Tiles,
    fractions: Sequence[float],
    noise: float,
    impute: Impute = noisy_linear_imputation,
    seed: int = 0,
    batch_size: int = 64,
) -> Road:
    """Remove relevant and irrelevant evidence, without a trace of where it was.

    Whole tiles are removed, where the paper removes single pixels: no map is finer.

    Args:
        score: from pictures to values of classes, such as probabilities.
        pictures: shape ``(n, height, width)``.
        maps: evidence for each picture's class, shape ``(n, height, width)`` or
            ``(kinds, n, height, width)``.
        classes: the class of each picture, shape ``(n,)``.
        tiles: what is removed at a time.
        fractions: shares of the tiles that are removed, within 0..1; see ``Tiles.first``.
        noise: standard deviation; see ``noisy_linear_imputation``.
        impute: what takes the place of evidence; ``noisy_interpolation`` of waveforms.
        seed: of the noise, and of the order of tiles that tie; see ``Tiles.rank``.
        batch_size: pictures handed to ``score`` at a time.

    Returns:
        Shape ``(n, fractions)`` each, with the kinds in front where maps have them.

    Raises:
        ValueError: if the shapes do not fit or a fraction is outside 0..1.
    """
    order, rng = tiles.rank(maps, seed=seed), np.random.default_rng(seed)

    def replace(numbers: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return impute(pictures[numbers], pixels, tiles.panels, noise=noise, rng=rng)

    values = scores_without(
        score,
        pictures,
        classes,
        np.stack([tiles.first(order, fractions), tiles.first(order[..., ::-1], fractions)]),
        tiles=tiles,
        replace=replace,
        batch_size=batch_size,
    )
    return Road(*np.moveaxis(values, 1, -1))


def road_score(curves: Road) -> np.ndarray:
    """Half the mean over the fractions of least minus most relevant first.

    Fractions 0 and 1, where both are the same, only bring it closer to 0.

    Returns:
        Shape ``(..., n)``: of probabilities within -1/2..1/2, 0 for a map that orders tiles by
        chance, positive for one that orders them well.
    """
    return (curves.least_first - curves.most_first).mean(axis=-1) / 2
