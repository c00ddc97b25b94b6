"""Sensitivity-n: whether the evidence that a map gives some tiles tells what their loss costs.

Ancona, Ceolini, Oztireli and Gross, Towards better understanding of gradient-based attribution
methods for Deep Neural Networks, ICLR 2018, arXiv:1711.06104.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hbac.explain.tiles import Replace, Score, Tiles, scores_without

_TINY = 1e-7


class SubsetDrops(NamedTuple):
    """Random subsets of each picture's tiles, and how far a class falls without them.

    Attributes:
        subsets: booleans, shape ``(shares, subsets, n, tiles)``.
        drops: value of the picture minus that without the subset, ``(shares, subsets, n)``.
    """

    subsets: np.ndarray
    drops: np.ndarray


def subset_drops(
    score: Score,
    pictures: np.ndarray,
    classes: np.ndarray,
    *,
    replace: Replace,
    tiles: Tiles,
    shares: Sequence[float],
    subsets: int,
    seed: int,
    batch_size: int = 64,
) -> SubsetDrops:
    """Remove random subsets of tiles; the costly part, which no map changes.

    Args:
        score: from pictures to values of classes: to logits, since attributions add up to those.
        pictures: shape ``(n, height, width)``.
        classes: the class of each picture, shape ``(n,)``.
        replace: puts something in the place of evidence; see ``hbac.explain.fills``.
        tiles: what is removed at a time.
        shares: how large the subsets are, as shares of the tiles within 0..1.
        subsets: how many are drawn for each picture and share.
        seed: of the draws.
        batch_size: pictures handed to ``score`` at a time.

    Raises:
        ValueError: if the shapes do not fit or a share is outside 0..1.
    """
    rng = np.random.default_rng(seed)
    order = rng.random((len(shares), subsets, len(pictures), len(tiles))).argsort(axis=-1)
    removed = np.stack(
        [tiles.first(part, [share])[0] for part, share in zip(order, shares, strict=True)]
    )
    none = np.zeros((1, *removed.shape[2:]), bool)
    values = scores_without(
        score,
        pictures,
        classes,
        np.concatenate([none, removed.reshape(-1, *removed.shape[2:])]),
        tiles=tiles,
        replace=replace,
        batch_size=batch_size,
    )
    return SubsetDrops(removed, (values[0] - values[1:]).reshape(removed.shape[:-1]))


def _centred(values: np.ndarray) -> np.ndarray:
    """Distances from the mean over the last axis; exactly 0 where rounding alone makes them."""
    centred = values - values.mean(axis=-1, keepdims=True)
    scale = np.abs(values).max(axis=-1, keepdims=True)
    return np.where(np.abs(centred).max(axis=-1, keepdims=True) > _TINY * scale, centred, 0.0)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson correlation over the last axis, NaN where one does not vary."""
    first, second = _centred(first), _centred(second)
    spread = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    with np.errstate(invalid="ignore"):
        return (first * second).sum(axis=-1) / np.where(spread > 0, spread, np.nan)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN, which stays where nothing else is."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def sensitivity_n(
    maps: np.ndarray, tiles: Tiles, subsets: np.ndarray, drops: np.ndarray
) -> np.ndarray:
    """Correlate the evidence in each subset with the drop that its loss makes.

    Args:
        maps: signed evidence, shape ``(..., n, height, width)``.
        tiles: as in ``subset_drops``.
        subsets: which tiles, booleans of shape ``(shares, subsets, n, tiles)``.
        drops: of the class's logit, shape ``(shares, subsets, n)``.

    Returns:
        Pearson correlation over the subsets, averaged over the shares, shape ``(..., n)``. Shares
        in which the evidence or the drops do not vary are left out; NaN where all are.
    """
    evidence = tiles.sum(maps)
    correlations = []
    for number, of_picture in enumerate(np.moveaxis(subsets, -2, 0)):
        sums = np.tensordot(evidence[..., number, :], of_picture.astype(float), axes=(-1, -1))
        correlations.append(_correlation(sums, drops[..., number]))
    return _mean_of_known(np.stack(correlations, axis=-2))
