"""How a class's value falls as relevant evidence is deleted, and rises as it is inserted.

Petsiuk, Das and Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models,
BMVC 2018, arXiv:1806.07421.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hbac.explain.tiles import Replace, Score, Tiles, scores_without


class Curves(NamedTuple):
    """Values of a class after each share of the tiles, two arrays ``(..., n, fractions)``.

    A faithful map makes deletion fall early and insertion rise early.
    """

    deletion: np.ndarray
    insertion: np.ndarray


def insertion_deletion(
    score: Score,
    pictures: np.ndarray,
    maps: np.ndarray,
    classes: np.ndarray,
    *,
    replace: Replace,
    tiles: Tiles,
    fractions: Sequence[float],
    seed: int = 0,
    batch_size: int = 64,
) -> Curves:
    """Delete the most relevant tiles first, and insert them first.

    Deletion starts from the picture and replaces tiles; insertion starts from what stands for all
    of them and puts tiles of the picture in. Both ends are the same for all maps and are scored
    once, so maps of several kinds are best given together.

    Args:
        score: from pictures to values of classes, such as probabilities.
        pictures: shape ``(n, height, width)``.
        maps: evidence for each picture's class, shape ``(n, height, width)`` or
            ``(kinds, n, height, width)``.
        classes: the class of each picture, shape ``(n,)``.
        replace: puts something in the place of evidence; see ``hbac.explain.fills``.
        tiles: what is changed at a time.
        fractions: shares of the tiles that are changed, within 0..1; see ``Tiles.first``.
        seed: of the order of tiles that tie; see ``Tiles.rank``.
        batch_size: pictures handed to ``score`` at a time.

    Returns:
        Shape ``(n, fractions)`` each, with the kinds in front where maps have them.

    Raises:
        ValueError: if the shapes do not fit or a fraction is outside 0..1.
    """
    changed = tiles.first(tiles.rank(maps, seed=seed), fractions)
    values = scores_without(
        score,
        pictures,
        classes,
        np.stack([changed, ~changed]),
        tiles=tiles,
        replace=replace,
        batch_size=batch_size,
    )
    return Curves(*np.moveaxis(values, 1, -1))


def area(values: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """Average a curve over the range of its fractions, by the trapezoid rule.

    Args:
        values: shape ``(..., fractions)``.
        fractions: rising.

    Returns:
        Area under the curve divided by the width of the range, shape ``(...)``.

    Raises:
        ValueError: if there are fewer than two fractions or they do not rise.
    """
    if len(fractions) < 2 or (np.diff(fractions) <= 0).any():
        raise ValueError(f"two fractions or more must rise, received {list(fractions)}")
    return np.trapezoid(values, fractions, axis=-1) / (fractions[-1] - fractions[0])
