"""Windows as they might also have been: mirrored, shifted, mixed, of other amplifiers, with gaps.

What happens to a batch is drawn from one generator, and new arrays are returned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hbac.eeg.gaps import MISSING
from hbac.eeg.panel import Panel
from hbac.models.amplifier import Range, another_amplifier

Change = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Takes images, targets, weights and a generator, and returns the first three changed."""

Step = Callable[[int, np.ndarray], None]
"""Changes a window of a batch in place; takes its number, and the window."""

_OF_AMPLIFIERS = ("gain", "channel_gain", "low_pass", "high_pass", "tilt", "dip", "noise")


class Layout(Protocol):
    """How a window's values lie in its array; see ``ImageLayout`` and ``WaveformLayout``."""

    size: tuple[int, int]
    """Rows and columns."""

    sampling_rate: float | None
    """Samples a second; ``None`` where a row is no signal."""

    def mirror(self, images: np.ndarray) -> np.ndarray:
        """Swap the hemispheres, shape ``(batch, height, width)``."""

    def blocks(self) -> tuple[slice, ...]:
        """Columns of each part that has a time axis of its own."""

    def panel_height(self) -> int | None:
        """Rows of the highest panel, lowest frequency first; ``None`` where rows are channels."""

    def panel_heights(self) -> tuple[int, ...]:
        """Rows of a panel in each part, where rows are frequencies."""

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
        drop_channel: probability, 0 to 1, that a channel of a waveform is missing.
        drop_chain: probability that a chain is missing, in each part by itself.
        drop_panel: probability that a part is missing, such as all of the 10 minutes.
        drop_stretch: probability that a stretch of time of any length is missing from a part, or
            all but such a stretch.
        mixup: alpha of the Beta distribution by which windows and targets are mixed in pairs
            (Zhang et al., mixup, 2018, arXiv:1710.09412).
    """

    mirror: float = 0.0
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
        changed = np.empty_like(images)
        steps = self._steps(images.shape, layout, rng)
        # One window fits into the processor's cache, a batch does not.
        for number, window in enumerate(changed):
            window[...] = images[number]
            for step in steps:
                step(number, window)
        if self.mixup:
            return _mix(changed, targets, weights, self.mixup, rng)
        return changed, targets, weights

    def _steps(self, shape: tuple[int, ...], layout: Layout, rng) -> list[Step]:
        """Draw what happens to each window of a batch."""
        steps = []
        if self.mirror:
            steps.append(_mirror_some(shape, self.mirror, layout, rng))
        steps += self._recordings(shape, layout, rng)
        if self.time_shift:
            steps.append(_shift(shape, self.time_shift, layout, rng))
        if self.time_mask:
            steps.append(_mask_time(shape, self.time_mask, layout, rng))
        if self.frequency_mask and layout.panel_height() is not None:
            steps.append(_mask_frequencies(shape, self.frequency_mask, layout, rng))
        return steps + self._drops(shape, layout, rng)

    def _recordings(self, shape: tuple[int, ...], layout: Layout, rng) -> list[Step]:
        """Draw what recorded each window of a batch."""
        settings = {name: getattr(self, name) for name in _OF_AMPLIFIERS}
        if layout.sampling_rate is None or not any(settings.values()):
            return []
        return [another_amplifier(shape, layout.sampling_rate, rng, **settings)]

    def _drops(self, shape: tuple[int, ...], layout: Layout, rng) -> list[Step]:
        """Draw what each window of a batch lacks, as recordings lack it."""
        steps = []
        if self.drop_stretch:
            steps.append(_drop_stretches(shape, self.drop_stretch, layout, rng))
        if self.drop_channel and layout.panel_height() is None:
            steps.append(_drop_rows(shape, self.drop_channel, 1, layout, rng))
        if self.drop_chain:
            steps.append(_drop_rows(shape, self.drop_chain, layout.chain_height(), layout, rng))
        if self.drop_panel:
            steps.append(_drop_rows(shape, self.drop_panel, shape[1], layout, rng))
        return steps

    def of(self, layout: Layout) -> Change | None:
        """Return what changes batches of a layout, or None where nothing is turned on."""
        if not any(vars(self).values()):
            return None

        def change(images, targets, weights, rng):
            return self(images, targets, weights, layout, rng)

        return change


def _mirror_some(shape, probability, layout: Layout, rng) -> Step:
    chosen = rng.random(shape[0]) < probability

    def step(number, window):
        if chosen[number]:
            window[...] = layout.mirror(window[np.newaxis])[0]

    return step


def _move(part: np.ndarray, shift: int) -> None:
    """Shift columns to the right, or to the left if negative, and repeat the edge."""
    if shift > 0:
        part[:, shift:] = part[:, :-shift]
        part[:, :shift] = part[:, :1]
    elif shift < 0:
        part[:, :shift] = part[:, -shift:]
        part[:, shift:] = part[:, -1:]


def _shift(shape, share, layout: Layout, rng) -> Step:
    relative = rng.uniform(-share, share, shape[0])

    def step(number, window):
        for block in layout.blocks():
            part = window[:, block]
            _move(part, round(relative[number] * part.shape[1]))

    return step


def _spans(n: int, length: int, share: float, rng) -> list[slice]:
    """Stretches of random place and of random length up to a share."""
    lengths = rng.uniform(0, share * length, n)
    starts = rng.uniform(0, length - lengths)
    edges = np.ceil([starts, starts + lengths]).astype(int)
    return [slice(*pair) for pair in edges.T]


def _mask_time(shape, share, layout: Layout, rng) -> Step:
    blocks = layout.blocks()
    widths = [len(range(*block.indices(shape[2]))) for block in blocks]
    spans = [_spans(shape[0], width, share, rng) for width in widths]

    def step(number, window):
        for block, span in zip(blocks, spans, strict=True):
            window[:, block][:, span[number]] = MISSING

    return step


def _same_band(span: slice, before: int, after: int) -> slice:
    """Rows of a lower panel whose first part lies among some rows of a higher one."""
    return slice(*(-(-edge * after // before) for edge in (span.start, span.stop)))


def _mask_frequencies(shape, share, layout: Layout, rng) -> Step:
    highest = layout.panel_height()
    spans = _spans(shape[0], highest, share, rng)
    parts = [*zip(layout.blocks(), layout.panel_heights(), strict=True)]

    def step(number, window):
        for block, height in parts:
            panels = window.reshape(-1, height, shape[2])
            panels[:, _same_band(spans[number], highest, height), block] = MISSING

    return step


def _drop_rows(shape, probability, height: int, layout: Layout, rng) -> Step:
    """Drop every group of ``height`` rows, in each part, by chance."""
    blocks = layout.blocks()
    dropped = rng.random((shape[0], len(blocks), shape[1] // height)) < probability

    def step(number, window):
        for block, groups in zip(blocks, dropped[number], strict=True):
            window[np.repeat(groups, height), block] = MISSING

    return step


def _drop_stretches(shape, probability, layout: Layout, rng) -> Step:
    """Drop a stretch of time, or all but it, in each part by chance."""
    blocks = layout.blocks()
    widths = [len(range(*block.indices(shape[2]))) for block in blocks]
    spans = [_spans(shape[0], width, 1.0, rng) for width in widths]
    chosen = rng.random((shape[0], len(blocks))) < probability
    outside = rng.random((shape[0], len(blocks))) < 0.5

    def step(number, window):
        for part in np.flatnonzero(chosen[number]):
            lost = np.full(widths[part], outside[number, part])
            lost[spans[part][number]] = not outside[number, part]
            window[:, blocks[part]][:, lost] = MISSING

    return step


def _mix(images, targets, weights, alpha, rng):
    partner = rng.permutation(len(images))
    kept = rng.beta(alpha, alpha, len(images)).astype(images.dtype)
    kept = np.maximum(kept, 1 - kept)

    def mixed(values):
        result, other = np.empty_like(values), np.empty_like(values[:1])
        for number, share in enumerate(kept):
            window = slice(number, number + 1)
            np.multiply(values[window], share, out=result[window])
            np.multiply(values[partner[number], np.newaxis], 1 - share, out=other)
            result[window] += other
        return result

    return mixed(images), mixed(targets), mixed(weights)
