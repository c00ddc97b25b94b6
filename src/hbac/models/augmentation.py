"""Windows as they might also have been: mirrored, shifted, with parts masked, or mixed.

All work on a batch at once, draw from one generator, and return new arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Change = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Takes images, targets, weights and a generator, and returns the first three changed."""


class Layout(Protocol):
    """How a window's values lie in its array; see ``ImageLayout`` and ``WaveformLayout``."""

    def mirror(self, images: np.ndarray) -> np.ndarray:
        """Swap the hemispheres, shape ``(batch, height, width)``."""

    def blocks(self) -> tuple[slice, ...]:
        """Columns of each part that has a time axis of its own."""

    def panel_height(self) -> int | None:
        """Rows of one panel, lowest frequency first; ``None`` where rows are no frequencies."""


@dataclass(frozen=True)
class Augmentation:
    """How windows are changed, anew in every epoch; 0 turns each of them off.

    Attributes:
        mirror: probability that the hemispheres are swapped, 0 to 1.
        time_shift: largest shift of each part in time, as a share of its width, 0 to 1; the edge
            fills what is left free.
        time_mask: largest stretch of time that is set to 0, as a share of each part's width.
        frequency_mask: largest band that is set to 0 in all panels, as a share of their height
            (both as in Park et al., SpecAugment, 2019, arXiv:1904.08779).
        mixup: alpha of the Beta distribution by which windows and targets are mixed in pairs
            (Zhang et al., mixup, 2018, arXiv:1710.09412).
    """

    mirror: float = 0.0
    time_shift: float = 0.0
    time_mask: float = 0.0
    frequency_mask: float = 0.0
    mixup: float = 0.0

    def __call__(
        self,
        images: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        layout: Layout,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Change a batch.

        Args:
            images: shape ``(batch, height, width)``, float32.
            targets: shape ``(batch, 6)``.
            weights: shape ``(batch,)``.
            layout: how the values lie.
            rng: draws everything.

        Returns:
            New images, targets and weights of the same shapes.
        """
        images = images.copy()
        if self.mirror:
            _mirror_some(images, self.mirror, layout, rng)
        if self.time_shift:
            _shift(images, self.time_shift, layout, rng)
        if self.time_mask:
            _mask_time(images, self.time_mask, layout, rng)
        if self.frequency_mask and layout.panel_height() is not None:
            _mask_frequencies(images, self.frequency_mask, layout.panel_height(), rng)
        if self.mixup:
            return _mix(images, targets, weights, self.mixup, rng)
        return images, targets, weights

    def of(self, layout: Layout) -> Change | None:
        """Return what changes batches of a layout, or None where nothing is turned on."""
        if not any(vars(self).values()):
            return None

        def change(images, targets, weights, rng):
            return self(images, targets, weights, layout, rng)

        return change


def _mirror_some(images, probability, layout: Layout, rng) -> None:
    chosen = rng.random(len(images)) < probability
    images[chosen] = layout.mirror(images[chosen])


def _shift(images, share, layout: Layout, rng) -> None:
    batch = np.arange(len(images))
    relative = rng.uniform(-share, share, len(images))
    for block in layout.blocks():
        part = images[:, :, block]
        width = part.shape[2]
        shifts = np.rint(relative * width).astype(int)
        reach = int(np.ceil(share * width))
        padded = np.pad(part, ((0, 0), (0, 0), (reach, reach)), mode="edge")
        shifted = np.lib.stride_tricks.sliding_window_view(padded, width, axis=2)
        images[:, :, block] = shifted[batch, :, reach - shifts]


def _spans(n: int, length: int, share: float, rng) -> np.ndarray:
    """Boolean stretches of random place and of random length up to a share, ``(n, length)``."""
    lengths = rng.uniform(0, share * length, n)
    starts = rng.uniform(0, length - lengths)
    positions = np.arange(length)
    return (positions >= starts[:, np.newaxis]) & (positions < (starts + lengths)[:, np.newaxis])


def _mask_time(images, share, layout: Layout, rng) -> None:
    for block in layout.blocks():
        part = images[:, :, block]
        part *= ~_spans(len(images), part.shape[2], share, rng)[:, np.newaxis, :]


def _mask_frequencies(images, share, panel_height: int, rng) -> None:
    band = _spans(len(images), panel_height, share, rng)
    n_panels = images.shape[1] // panel_height
    images *= ~np.tile(band, (1, n_panels))[:, :, np.newaxis]


def _mix(images, targets, weights, alpha, rng):
    partner = rng.permutation(len(images))
    kept = rng.beta(alpha, alpha, len(images)).astype(images.dtype)
    kept = np.maximum(kept, 1 - kept)

    def mixed(values):
        share = kept.reshape(-1, *[1] * (values.ndim - 1))
        return share * values + (1 - share) * values[partner]

    return mixed(images), mixed(targets), mixed(weights)
