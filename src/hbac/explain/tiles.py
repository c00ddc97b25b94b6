"""Tiles: the pieces of a picture that are removed, put back and counted as one.

A single pixel of a spectrogram hardly matters to a network, and no map is that fine. A tile is a
stretch of seconds in a band of frequencies of one chain of one source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hbac.eeg.panel import Panel

Score = Callable[[np.ndarray], np.ndarray]
"""From pictures, shape ``(n, height, width)``, float32, to values of classes, ``(n, classes)``."""

Replace = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the numbers of some pictures, shape ``(m,)``, and the pixels that each loses, booleans
``(m, height, width)``, to pictures without them."""


def panel_shape(panel: Panel) -> tuple[int, int]:
    """Return how many rows and columns of the picture a panel has."""
    return panel.rows.stop - panel.rows.start, panel.columns.stop - panel.columns.start


def picture_size(panels: Sequence[Panel]) -> tuple[int, int]:
    """Return height and width of the picture that panels make up."""
    return max(panel.rows.stop for panel in panels), max(panel.columns.stop for panel in panels)


@dataclass(frozen=True)
class Tiles:
    """A grid of equal tiles over each panel; none crosses a panel's border.

    Tiles are numbered panel by panel, and in a panel row by row from the lowest frequency.

    Attributes:
        panels: what makes up the picture, ``ImageLayout.panels()``.
        rows: tiles a panel from the lowest to the highest frequency.
        columns: tiles a panel from its first to its last second.

    Raises:
        ValueError: if a panel does not divide into so many equal tiles, or the panels do not
            cover each pixel once.
    """

    panels: tuple[Panel, ...]
    rows: int
    columns: int

    def __post_init__(self) -> None:
        for panel in self.panels:
            height, width = panel_shape(panel)
            if min(self.rows, self.columns) < 1 or height % self.rows or width % self.columns:
                raise ValueError(
                    f"a panel of {height} x {width} pixels does not divide into "
                    f"{self.rows} x {self.columns} equal tiles"
                )
        covered = np.zeros(picture_size(self.panels), int)
        for panel in self.panels:
            covered[panel.rows, panel.columns] += 1
        if (covered != 1).any():
            raise ValueError(
                "panels must cover each pixel once, received panels that cover some "
                f"{covered.min()} and some {covered.max()} times"
            )

    def __len__(self) -> int:
        return len(self.panels) * self.rows * self.columns

    @cached_property
    def index(self) -> np.ndarray:
        """The tile of each pixel, shape ``(height, width)``."""
        index = np.empty(picture_size(self.panels), np.intp)
        of_panel = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        for number, panel in enumerate(self.panels):
            height, width = panel_shape(panel)
            size = np.ones((height // self.rows, width // self.columns), np.intp)
            index[panel.rows, panel.columns] = number * of_panel.size + np.kron(of_panel, size)
        return index

    def _sums_of_panel(self, maps: np.ndarray, panel: Panel) -> np.ndarray:
        part = maps[..., panel.rows, panel.columns]
        height, width = part.shape[-2] // self.rows, part.shape[-1] // self.columns
        cells = part.reshape(*part.shape[:-2], self.rows, height, self.columns, width)
        sums = cells.sum(axis=(-3, -1), dtype=float)
        return sums.reshape(*part.shape[:-2], self.rows * self.columns)

    def sum(self, maps: np.ndarray) -> np.ndarray:
        """Add up the pixels of each tile.

        Args:
            maps: shape ``(..., height, width)``.

        Returns:
            Shape ``(..., tiles)``, float64.

        Raises:
            ValueError: if the maps are not of the picture's size.
        """
        height, width = self.index.shape
        if maps.shape[-2:] != (height, width):
            raise ValueError(
                f"maps must have shape (..., {height}, {width}), received {maps.shape}"
            )
        return np.concatenate([self._sums_of_panel(maps, panel) for panel in self.panels], axis=-1)

    def mean(self, maps: np.ndarray) -> np.ndarray:
        """Average over the pixels of each tile; see ``sum``."""
        return self.sum(maps) / np.bincount(self.index.ravel())

    def paint(self, selected: np.ndarray) -> np.ndarray:
        """Mark the pixels of some tiles.

        Args:
            selected: which tiles, booleans of shape ``(..., tiles)``.

        Returns:
            Shape ``(..., height, width)``.
        """
        return selected[..., self.index]

    def rank(self, maps: np.ndarray, *, seed: int) -> np.ndarray:
        """Order tiles from the most to the least relevant, by their mean.

        Tiles that tie, as all do where a map is 0, stand in an order drawn at random and the same
        for all maps: in the order of their numbers, whole panels would go one after the other.

        Args:
            maps: shape ``(..., height, width)``.
            seed: of the order of tiles that tie.

        Returns:
            Numbers of tiles, shape ``(..., tiles)``.
        """
        drawn = np.random.default_rng(seed).permutation(len(self))
        return drawn[np.argsort(-self.mean(maps)[..., drawn], axis=-1, kind="stable")]

    def first(self, order: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        """Select the tiles that come first in an order.

        Args:
            order: numbers of tiles, shape ``(..., tiles)``.
            shares: ``round(share * tiles)`` tiles are selected, each share within 0..1.

        Returns:
            Booleans by number of tile, shape ``(len(shares), ..., tiles)``.

        Raises:
            ValueError: if a share is outside 0..1.
        """
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares of tiles must be within 0..1, received {list(shares)}")
        places = np.argsort(order, axis=-1)
        return np.stack([places < round(share * len(self)) for share in shares])


def _check(pictures: np.ndarray, classes: np.ndarray, removed: np.ndarray, tiles: Tiles) -> None:
    height, width = tiles.index.shape
    if pictures.shape[1:] != (height, width) or classes.shape != pictures.shape[:1]:
        raise ValueError(
            f"pictures and classes must have shapes (n, {height}, {width}) and (n,), received "
            f"{pictures.shape} and {classes.shape}"
        )
    if removed.shape[-2:] != (len(pictures), len(tiles)):
        raise ValueError(
            f"the tiles to remove must have shape (..., {len(pictures)}, {len(tiles)}), "
            f"received {removed.shape}"
        )


def scores_without(
    score: Score,
    pictures: np.ndarray,
    classes: np.ndarray,
    removed: np.ndarray,
    *,
    tiles: Tiles,
    replace: Replace,
    batch_size: int = 64,
) -> np.ndarray:
    """Score pictures that lost some of their tiles.

    The untouched picture and the one without any tile are scored once, however often they are
    asked for.

    Args:
        score: from pictures to values of classes.
        pictures: shape ``(n, height, width)``.
        classes: the class of which each picture's value is taken, shape ``(n,)``.
        removed: which tiles, booleans of shape ``(..., n, tiles)``.
        tiles: of the pictures.
        replace: makes the pictures without their tiles.
        batch_size: pictures that are made and handed to ``score`` at a time.

    Returns:
        Shape ``(..., n)``, float64.

    Raises:
        ValueError: if the shapes do not fit.
    """
    classes = np.asarray(classes)
    _check(pictures, classes, removed, tiles)
    n_removed, every = removed.sum(axis=-1), np.arange(len(pictures))
    partly = (n_removed > 0) & (n_removed < len(tiles))
    none = np.zeros((len(pictures), len(tiles)), bool)
    numbers = np.concatenate([every, every, np.nonzero(partly)[-1]])
    rows = np.concatenate([none, ~none, removed[partly]])
    parts = []
    for start in range(0, len(rows), batch_size):
        batch = slice(start, start + batch_size)
        changed = replace(numbers[batch], tiles.paint(rows[batch]))
        values = np.asarray(score(np.asarray(changed, np.float32)), float)
        parts.append(values[np.arange(len(values)), classes[numbers[batch]]])
    whole, empty, others = np.split(np.concatenate(parts), [len(every), 2 * len(every)])
    values = np.where(n_removed == 0, whole, empty)
    values[partly] = others
    return values
