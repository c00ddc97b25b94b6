"""What happens to windows in training, drawn for a batch as small arrays.

What is drawn here is carried out by ``hbac.models.changes``, window by window with NumPy or all at
once where the network computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hbac.eeg.panel import Panel
from hbac.models.amplifier import Range, draw_amplifiers
from hbac.models.changes import SWAP_LEFT, SWAP_MIRROR, SWAP_RIGHT, Change, Draws

_OF_AMPLIFIERS = ("gain", "channel_gain", "low_pass", "high_pass", "tilt", "dip", "noise")


class Layout(Protocol):
    """How a window's values lie in its array; see ``ImageLayout`` and ``WaveformLayout``."""

    size: tuple[int, int]
    """Rows and columns."""

    sampling_rate: float | None
    """Samples a second; ``None`` where a row is no signal."""

    margin: int
    """Columns that are stored beyond either end of what is seen."""

    def middle(self, images: np.ndarray) -> np.ndarray:
        """Leave the margins out, shape ``(..., width)``."""

    def mirror(self, images: np.ndarray) -> np.ndarray:
        """Swap the hemispheres, shape ``(batch, height, width)``."""

    def blocks(self) -> tuple[slice, ...]:
        """Columns of each part that has a time axis of its own."""

    def panel_heights(self) -> tuple[int, ...] | None:
        """Rows of a panel by part, lowest frequency first; ``None`` where rows are channels."""

    def chain_height(self) -> int:
        """Rows of one chain."""

    def panels(self) -> tuple[Panel, ...]:
        """Where each chain of each part lies."""


@dataclass(frozen=True)
class Augmentation:
    """How windows are changed, anew in every epoch; 0 or ``None`` turns each of them off.

    From ``gain`` to ``noise`` they are for waveforms alone; see ``hbac.models.amplifier``.

    Attributes:
        mirror: probability that the hemispheres are swapped, 0 to 1.
        swap_chains: probability that the lateral and the parasagittal chain of a hemisphere change
            places, in all parts; drawn for each hemisphere.
        time_reversal: probability that time runs backwards, in all parts.
        time_shift: largest shift of each part in time, as a share of its width, 0 to 1; the edge
            fills what is left free.
        time_mask: largest stretch of time that goes missing, as a share of each part's width.
        frequency_mask: largest band that goes missing in all panels, as a share of their height
            (both as in Park et al., SpecAugment, 2019, arXiv:1904.08779).
        gain: standard deviation of the logarithm of a window's gain.
        channel_gain: that of each channel's.
        low_pass: lowest and highest cut-off of a low-pass, in Hz.
        high_pass: lowest and highest cut-off of a high-pass, in Hz.
        tilt: standard deviation of the power of (frequency / 4 Hz) that amplitudes get as a factor.
        dip: largest depth, 0 to 1, of a dip in the spectrum between 3 and 15 Hz.
        noise: largest amplitude of added 1/f noise, as a share of the window's own.
        drop_channel: probability, 0 to 1, that a channel is missing, of a waveform or of a part
            that shows each by itself.
        drop_chain: probability that a chain is missing, in each part by itself.
        drop_panel: probability that a part is missing, such as all of the 10 minutes.
        drop_stretch: probability that a stretch of time of any length is missing from a part, or
            all but such a stretch.
        mixup: alpha of the Beta distribution by which windows and targets are mixed in pairs
            (Zhang et al., mixup, 2018, arXiv:1710.09412).
    """

    mirror: float = 0.0
    swap_chains: float = 0.0
    time_reversal: float = 0.0
    time_shift: float = 0.0
    time_mask: float = 0.0
    frequency_mask: float = 0.0
    gain: float = 0.0
    channel_gain: float = 0.0
    low_pass: Range | None = None
    high_pass: Range | None = None
    tilt: float = 0.0
    dip: float = 0.0
    noise: float = 0.0
    drop_channel: float = 0.0
    drop_chain: float = 0.0
    drop_panel: float = 0.0
    drop_stretch: float = 0.0
    mixup: float = 0.0

    def draw(self, shape: tuple[int, int, int], layout: Layout, rng: np.random.Generator) -> Draws:
        """Draw what happens to each window of a batch.

        Args:
            shape: number of windows, rows and columns, with the layout's margins.
            layout: how the values lie.
            rng: draws everything.

        Returns:
            By name, arrays with a row a window, of what is turned on; ``hbac.models.changes`` says
            what each means.
        """
        draws: Draws = {}
        if layout.margin:
            shape = (*shape[:2], shape[2] - 2 * layout.margin)
            draws["starts"] = rng.integers(2 * layout.margin + 1, size=shape[0], dtype=np.int32)
        if self.mirror or self.swap_chains:
            draws["order"] = self._draw_order(shape[0], rng)
        if self.time_reversal:
            draws["reversed"] = rng.random(shape[0]) < self.time_reversal
        draws |= self._draw_amplifiers(shape, layout, rng)
        if self.time_shift:
            draws["shifts"] = _draw_shifts(shape[0], self.time_shift, layout, rng)
        draws |= self._draw_losses(shape, layout, rng)
        if self.mixup:
            draws |= _draw_mix(shape[0], self.mixup, rng)
        return draws

    def _draw_order(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Which swaps of chains are made, as a sum of ``SWAP_...``."""
        order = np.zeros(n, np.int32)
        for swap, probability in (
            (SWAP_MIRROR, self.mirror),
            (SWAP_LEFT, self.swap_chains),
            (SWAP_RIGHT, self.swap_chains),
        ):
            if probability:
                order += swap * (rng.random(n) < probability).astype(np.int32)
        return order

    def _draw_amplifiers(self, shape, layout: Layout, rng) -> Draws:
        """Draw what recorded each window of a batch."""
        settings = {name: getattr(self, name) for name in _OF_AMPLIFIERS}
        if layout.sampling_rate is None or not any(settings.values()):
            return {}
        return draw_amplifiers(shape, layout.sampling_rate, rng, **settings)

    def _draw_losses(self, shape, layout: Layout, rng) -> Draws:
        """Draw what each window of a batch lacks: by masks, and as recordings lack it."""
        columns = np.zeros((shape[0], shape[2]), bool)
        rows = np.zeros((shape[0], len(layout.blocks()), shape[1]), bool)
        if self.time_mask:
            _mask_time(columns, self.time_mask, layout, rng)
        if self.frequency_mask and layout.panel_heights() is not None:
            _mask_frequencies(rows, self.frequency_mask, layout, rng)
        if self.drop_stretch:
            _drop_stretches(columns, self.drop_stretch, layout, rng)
        if self.drop_channel:
            _drop_channels(rows, self.drop_channel, layout, rng)
        if self.drop_chain:
            _drop_rows(rows, self.drop_chain, layout.chain_height(), rng)
        if self.drop_panel:
            _drop_rows(rows, self.drop_panel, shape[1], rng)
        lost = {"lost_columns": (columns, self.time_mask or self.drop_stretch)}
        of_rows = (self.frequency_mask, self.drop_channel, self.drop_chain, self.drop_panel)
        lost["lost_rows"] = (rows, any(of_rows))
        return {name: values for name, (values, turned_on) in lost.items() if turned_on}

    def of(self, layout: Layout) -> Change | None:
        """Return what changes batches of a layout, or None where nothing is turned on."""
        return Change(self, layout) if any(vars(self).values()) or layout.margin else None


def _draw_shifts(n: int, share: float, layout: Layout, rng) -> np.ndarray:
    """Columns by which each part is shifted to the right."""
    widths = [block.stop - block.start for block in layout.blocks()]
    return np.rint(np.outer(rng.uniform(-share, share, n), widths)).astype(np.int32)


def _spans(n: int, length: int, share: float, rng) -> np.ndarray:
    """Stretches of random place and of random length up to a share, shape ``(n, length)``, bool."""
    lengths = rng.uniform(0, share * length, n)
    starts = rng.uniform(0, length - lengths)
    first, end = np.ceil([starts, starts + lengths])[..., np.newaxis]
    places = np.arange(length)
    return (first <= places) & (places < end)


def _mask_time(lost: np.ndarray, share: float, layout: Layout, rng) -> None:
    for block in layout.blocks():
        lost[:, block] |= _spans(len(lost), block.stop - block.start, share, rng)


def _mask_frequencies(lost: np.ndarray, share: float, layout: Layout, rng) -> None:
    """Mask one band in all panels of a window, high ones and low ones."""
    n, _, n_rows = lost.shape
    highest = layout.chain_height()
    bands = _spans(n, highest, share, rng)
    for part, height in enumerate(layout.panel_heights()):
        lost[:, part] |= np.tile(bands[:, :: highest // height], n_rows // height)


def _drop_rows(lost: np.ndarray, probability: float, height: int, rng) -> None:
    """Drop every group of ``height`` rows, in each part, by chance."""
    n, n_blocks, n_rows = lost.shape
    dropped = rng.random((n, n_blocks, n_rows // height)) < probability
    lost |= np.repeat(dropped, height, axis=2)


def _drop_channels(lost: np.ndarray, probability: float, layout: Layout, rng) -> None:
    """Drop channels by chance, in the parts that show each by itself."""
    heights = layout.panel_heights() or (1,) * lost.shape[1]
    for part, height in enumerate(heights):
        if height < layout.chain_height():
            _drop_rows(lost[:, part : part + 1], probability, height, rng)


def _drop_stretches(lost: np.ndarray, probability: float, layout: Layout, rng) -> None:
    """Drop a stretch of time, or all but it, in each part by chance."""
    blocks = layout.blocks()
    spans = [_spans(len(lost), block.stop - block.start, 1.0, rng) for block in blocks]
    chosen = rng.random((len(lost), len(blocks))) < probability
    outside = rng.random((len(lost), len(blocks))) < 0.5
    for part, (block, span) in enumerate(zip(blocks, spans, strict=True)):
        lost[:, block] |= chosen[:, [part]] & (span ^ outside[:, [part]])


def _draw_mix(n: int, alpha: float, rng) -> Draws:
    """Draw each window's partner, and the share of it that is kept."""
    partner = rng.permutation(n).astype(np.int32)
    kept = rng.beta(alpha, alpha, n).astype(np.float32)
    return {"partner": partner, "kept": np.maximum(kept, 1 - kept)}
