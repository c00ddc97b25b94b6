"""What ``hbac.models.changes`` does, to a whole batch where the network computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from hbac.eeg.gaps import MISSING
from hbac.models.changes import Change
from hbac.models.scale import window_scale


class _Given(keras.random.SeedGenerator):
    """A seed that was drawn elsewhere; Keras takes no tensor for one."""

    def __init__(self, seed: Any):
        self._given = ops.cast(seed, "uint32" if keras.backend.backend() == "jax" else "int32")

    def next(self, ordered=True):
        return self._given


def _cropped(images: Any, starts: Any, margin: int) -> Any:
    """Let each window begin where it was drawn to."""
    columns = starts[:, np.newaxis] + ops.arange(images.shape[2] - 2 * margin, dtype="int32")
    return ops.take_along_axis(images, columns[:, np.newaxis], axis=2)


def _reordered(images: Any, order: Any, change: Change) -> Any:
    """Put the rows of each part into the order that was drawn."""
    table = change.orders(tuple(images.shape[1:]))
    rows = ops.take(ops.convert_to_tensor(table), order, axis=0)
    parts = [
        ops.take_along_axis(images[:, :, block], rows[:, part, :, np.newaxis], axis=1)
        for part, block in enumerate(change.layout.blocks())
    ]
    return ops.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]


def _columns(draws: Mapping[str, Any], block: slice, part: int) -> Any:
    """Which column of a part comes to each place, shape ``(batch, columns)``."""
    width = block.stop - block.start
    columns = ops.arange(width, dtype="int32")[np.newaxis]
    if "shifts" in draws:
        columns = ops.clip(columns - draws["shifts"][:, part, np.newaxis], 0, width - 1)
    if "reversed" in draws:
        columns = ops.where(draws["reversed"][:, np.newaxis], width - 1 - columns, columns)
    return columns + block.start


def _moved(images: Any, draws: Mapping[str, Any], change: Change) -> Any:
    """Shift each part in time, and turn time around."""
    parts = [_columns(draws, block, part) for part, block in enumerate(change.layout.blocks())]
    return ops.take_along_axis(images, ops.concatenate(parts, axis=1)[:, np.newaxis], axis=2)


def _noise(images: Any, draws: Mapping[str, Any]) -> tuple[Any, Any]:
    """Real and imaginary parts of noise, another in each window; the first seed decides."""
    seed = _Given(draws["noise_seeds"][:2])
    level = window_scale(images, ops) * draws["noise_spectra"][:, np.newaxis]
    shape = (*ops.shape(images)[:2], level.shape[-1])
    real, imaginary = ops.split(keras.random.normal((2, *shape), seed=seed), 2)
    return level * real[0], level * imaginary[0]


def _recorded_anew(images: Any, draws: Mapping[str, Any]) -> Any:
    """Give each window the amplifier that was drawn."""
    factors = draws["gains"] * draws["filters"][:, np.newaxis]
    spectrum = [part * factors for part in ops.rfft(images)]
    if "noise_spectra" in draws:
        spectrum = [
            part + noise for part, noise in zip(spectrum, _noise(images, draws), strict=True)
        ]
    recorded = ops.irfft(tuple(spectrum), images.shape[2])
    return ops.where(images == MISSING, MISSING, recorded)


def _without_lost(images: Any, draws: Mapping[str, Any], change: Change) -> Any:
    if "lost_rows" in draws:
        widths = [block.stop - block.start for block in change.layout.blocks()]
        lost = np.repeat(np.arange(len(widths)), widths)
        lost = ops.transpose(ops.take(draws["lost_rows"], lost, axis=1), (0, 2, 1))
        images = ops.where(lost, MISSING, images)
    if "lost_columns" in draws:
        images = ops.where(draws["lost_columns"][:, np.newaxis], MISSING, images)
    return images


def change_tensors(images: Any, draws: Mapping[str, Any], change: Change) -> Any:
    """Change a batch of windows as was drawn.

    Args:
        images: shape ``(batch, height, width)``, with the layout's margins, float16 or float32.
        draws: what ``change.draw`` drew for them.
        change: knows how the values lie.

    Returns:
        The same shape without margins, float32, and the same values as ``change.change_images``
        returns, but for noise, which is drawn here.
    """
    if "starts" in draws:
        images = _cropped(images, draws["starts"], change.layout.margin)
    if "order" in draws:
        images = _reordered(images, draws["order"], change)
    if "shifts" in draws or "reversed" in draws:
        images = _moved(images, draws, change)
    images = ops.cast(images, "float32")
    if "filters" in draws:
        images = _recorded_anew(images, draws)
    images = _without_lost(images, draws, change)
    if "partner" in draws:
        kept = draws["kept"][:, np.newaxis, np.newaxis]
        images = images * kept + ops.take(images, draws["partner"], axis=0) * (1 - kept)
    return images
