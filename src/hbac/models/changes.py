"""Changes windows as it was drawn for them: mirrored, shifted, of other amplifiers, with gaps.

What is drawn, by name, a row a window, each only where it is turned on:

    starts          column at which a window begins that is stored with margins
    order           which of the chains change places, a sum of ``SWAP_...``
    reversed        whether time runs backwards
    shifts          columns by which each part is shifted to the right; its edge is repeated
    gains, filters, noise_spectra, noise_seeds
                    see ``hbac.models.amplifier``
    lost_columns    what goes missing in all rows, shape ``(windows, columns)``
    lost_rows       what goes missing in each part, shape ``(windows, parts, rows)``
    partner, kept   the window that is mixed in, and the share that is kept
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.gaps import MISSING
from hbac.eeg.half import widen
from hbac.models.amplifier import record_anew

if TYPE_CHECKING:
    from hbac.models.augmentation import Augmentation, Layout

Draws = dict[str, np.ndarray]

SWAP_MIRROR, SWAP_LEFT, SWAP_RIGHT = 1, 2, 4
"""The hemispheres; the two chains of the left one; those of the right one."""

OF_AMPLIFIERS = ("gains", "filters", "noise_spectra", "noise_seeds")

_SWAPPED_CHAINS = {SWAP_LEFT: ("LL", "LP"), SWAP_RIGHT: ("RL", "RP")}

Run = tuple[slice, slice]
"""Consecutive rows, and those that come to their place."""


def _mirrored_rows(layout: Layout, shape: tuple[int, int]) -> np.ndarray:
    """Which row comes to each place by the mirror, shape ``(parts, rows)``."""
    numbers = np.broadcast_to(np.arange(shape[0])[:, np.newaxis], shape)
    mirrored = layout.mirror(numbers[np.newaxis])[0]
    return np.stack([mirrored[:, block.start] for block in layout.blocks()])


def _swapped_rows(layout: Layout, height: int, chains: tuple[str, str]) -> np.ndarray:
    """The same where two chains change places."""
    order = np.tile(np.arange(height), (len(layout.blocks()), 1))
    for rows, block in zip(order, layout.blocks(), strict=True):
        panels = [panel for panel in layout.panels() if panel.columns == block]
        first, second = (
            np.concatenate([np.r_[panel.rows] for panel in panels if panel.chain == chain])
            for chain in chains
        )
        rows[first], rows[second] = second, first
    return order


def row_orders(layout: Layout, shape: tuple[int, int], *, swaps_chains: bool) -> np.ndarray:
    """Which row comes to each place, for each of the orders that may be drawn.

    Args:
        layout: how the values lie.
        shape: rows and columns.
        swaps_chains: whether chains of one hemisphere change places.

    Returns:
        Shape ``(orders, parts, rows)``, int32: two orders, or eight.
    """
    orders = np.tile(np.arange(shape[0]), (2, len(layout.blocks()), 1))
    if swaps_chains:
        for chains in _SWAPPED_CHAINS.values():
            swapped = _swapped_rows(layout, shape[0], chains)
            orders = np.concatenate([orders, np.take_along_axis(orders, swapped[np.newaxis], 2)])
    mirrored = _mirrored_rows(layout, shape)
    orders[1::2] = np.take_along_axis(orders[1::2], mirrored[np.newaxis], axis=2)
    return orders.astype(np.int32)


def _runs(order: np.ndarray) -> list[Run]:
    """Cut an order of rows where they are not consecutive."""
    edges = np.flatnonzero(np.diff(order, prepend=order[0] - 2, append=order[-1] + 2) != 1)
    starts = order[edges[:-1]]
    return [
        (slice(first, end), slice(start, start + end - first))
        for first, end, start in zip(edges[:-1], edges[1:], starts, strict=True)
    ]


def _move(source: np.ndarray, target: np.ndarray, runs: list[Run], shift: int) -> None:
    """Copy a part with its rows in another order and its columns shifted."""
    width = source.shape[1]
    to = slice(max(shift, 0), width + min(shift, 0))
    of = slice(max(-shift, 0), width - max(shift, 0))
    for rows, from_rows in runs:
        target[rows, to] = source[from_rows, of]
    if shift > 0:
        target[:, :shift] = target[:, shift : shift + 1]
    elif shift < 0:
        target[:, shift:] = target[:, shift - 1 : shift]


def _mixed(values: np.ndarray, partner: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Add up two windows at a time, as one fits into the processor's cache."""
    result, other = np.empty_like(values), np.empty_like(values[:1])
    for number, share in enumerate(kept):
        window = slice(number, number + 1)
        np.multiply(values[window], share, out=result[window])
        np.multiply(values[partner[number], np.newaxis], 1 - share, out=other)
        result[window] += other
    return result


class Change:
    """Changes batches of one layout; see ``Augmentation.of``.

    Args:
        augmentation: draws what happens.
        layout: how the values of a window lie.
    """

    def __init__(self, augmentation: Augmentation, layout: Layout):
        self.augmentation, self.layout = augmentation, layout
        self._orders: dict[tuple[int, int], np.ndarray] = {}
        self._runs: dict[tuple[int, int], list[list[list[Run]]]] = {}

    def orders(self, shape: tuple[int, int]) -> np.ndarray:
        """Return ``row_orders`` for windows of a shape."""
        if shape not in self._orders:
            swaps_chains = bool(self.augmentation.swap_chains)
            self._orders[shape] = row_orders(self.layout, shape, swaps_chains=swaps_chains)
        return self._orders[shape]

    def _runs_of(self, shape: tuple[int, int]) -> list[list[list[Run]]]:
        if shape not in self._runs:
            self._runs[shape] = [[_runs(rows) for rows in order] for order in self.orders(shape)]
        return self._runs[shape]

    def draw(self, shape: tuple[int, int, int], rng: np.random.Generator) -> Draws:
        """Draw what happens to the windows of a batch; see ``Augmentation.draw``."""
        return self.augmentation.draw(shape, self.layout, rng)

    def __call__(
        self,
        images: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw what happens to a batch, and change it.

        Args:
            images: shape ``(batch, height, width)``, with the layout's margins.
            targets: shape ``(batch, 6)``.
            weights: shape ``(batch,)``.
            rng: draws everything.

        Returns:
            New images without margins, float32, and targets and weights, of the same shapes.
        """
        draws = self.draw(images.shape, rng)
        changed = self.change_images(images, draws)
        return changed, *mix_labels(targets, weights, draws)

    def change_images(self, images: np.ndarray, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Change windows as was drawn, with NumPy.

        Args:
            images: shape ``(batch, height, width)``, with the layout's margins.
            draws: of ``draw``.

        Returns:
            New windows, without margins, float32.
        """
        width = images.shape[2] - 2 * self.layout.margin
        changed = np.empty((*images.shape[:2], width), np.float32)
        moved = np.empty(changed.shape[1:], images.dtype)
        # One window fits into the processor's cache, a batch does not.
        for number, window in enumerate(changed):
            of_window = {name: values[number] for name, values in draws.items()}
            start = of_window.get("starts", 0)
            self._place(images[number, :, start : start + width], moved, of_window)
            widen(moved, window)
            amplifier = {name: of_window[name] for name in OF_AMPLIFIERS if name in of_window}
            if amplifier:
                record_anew(window, **amplifier)
            self._lose(window, of_window)
        if "partner" in draws:
            return _mixed(changed, draws["partner"], draws["kept"])
        return changed

    def _place(self, window: np.ndarray, moved: np.ndarray, drawn: Mapping) -> None:
        runs = self._runs_of(window.shape)[drawn.get("order", 0)]
        blocks = self.layout.blocks()
        shifts = drawn.get("shifts", np.zeros(len(blocks), int))
        for block, of_block, shift in zip(blocks, runs, shifts, strict=True):
            part = window[:, block]
            part = part[:, ::-1] if drawn.get("reversed", False) else part
            _move(part, moved[:, block], of_block, int(shift))

    def _lose(self, window: np.ndarray, drawn: Mapping) -> None:
        if "lost_columns" in drawn and drawn["lost_columns"].any():
            window[:, drawn["lost_columns"]] = MISSING
        if "lost_rows" in drawn:
            for block, rows in zip(self.layout.blocks(), drawn["lost_rows"], strict=True):
                window[rows, block] = MISSING


def mix_labels(
    targets: np.ndarray, weights: np.ndarray, draws: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mix targets and weights as the windows are mixed; leave them where none are.

    A window's share of a target grows with its weight, so that the loss of two mixed windows has
    the gradient of their own losses, each with its weight: few votes say less than many.
    """
    if "partner" not in draws:
        return targets, weights
    partner, kept = draws["partner"], draws["kept"]
    mixed = _mixed(weights, partner, kept)
    own = np.divide(kept * weights, mixed, out=kept.astype(mixed.dtype), where=mixed > 0)
    return _mixed(targets, partner, own), mixed
