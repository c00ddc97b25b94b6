"""How much of a map lies where the evidence was planted, beside what chance would put there.

The pointing game's question (Zhang et al., "Top-down neural attention by excitation backprop",
Int. J. Comput. Vis. 126, 2018, arXiv:1608.00507), asked of all of a map's mass and not of its
highest point alone, as by Wang et al., "Score-CAM", CVPR Workshops 2020, arXiv:1910.01279.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hbac.eeg.chain_map import source_offset
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Panel, Source
from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.shape import MAX_FREQUENCY
from hbac.eeg.spectrogram import CENTRE_WIN_LENGTH, WIN_LENGTH

Span = tuple[float, float]

REACH: dict[Source, float] = {
    "regional": 1.0,
    "eeg": WIN_LENGTH / SAMPLING_RATE / 2,
    "centre": CENTRE_WIN_LENGTH / SAMPLING_RATE / 2,
    "waveform": 0.0,
}
"""Seconds by which what happens at one moment is smeared to either side. A regional row stands for
2 s and is made from the 4 s around them."""


def _overlap(edges: np.ndarray, span: Span) -> np.ndarray:
    """Which of the cells between edges have a part inside a span."""
    return (edges[1:] > span[0]) & (edges[:-1] < span[1])


def _shown(panel: Panel, seconds: Span, start: float) -> np.ndarray:
    """Which of a panel's pixels show EEG of a stretch, shape (rows, columns)."""
    n_rows, n_columns = (part.stop - part.start for part in (panel.rows, panel.columns))
    times = start + source_offset(panel.source) + np.linspace(*panel.seconds, n_columns + 1)
    reach = REACH[panel.source]
    columns = _overlap(times, (seconds[0] - reach, seconds[1] + reach))
    if panel.hertz is None:
        return np.tile(columns, (n_rows, 1))
    rows = _overlap(np.linspace(*panel.hertz, n_rows + 1), (0.0, MAX_FREQUENCY))
    return rows[:, np.newaxis] & columns


def stretch_mask(
    panels: Sequence[Panel],
    size: tuple[int, int],
    *,
    seconds: Span,
    start: float,
    chains: Sequence[str] = tuple(CHAINS),
    sources: Sequence[Source] | None = None,
) -> np.ndarray:
    """Mark the pixels that show a stretch of seconds.

    With a window's own 50 s it is where evidence may have been planted at all, the rest of the
    10-minute panels being out of its reach.

    Args:
        panels: where each chain of each source lies, in any order.
        size: height and width of the picture in pixels.
        seconds: start and stop in the recording's own time.
        start: where the 50-s EEG window starts in the recording, in seconds.
        chains: which chains.
        sources: which sources, or ``None`` for all.

    Returns:
        Shape ``size``, bool. A pixel counts if it overlaps the stretch after smearing by
        ``REACH``, so that wide pixels show more than the stretch. Rows without EEG, below 0 and
        above 20 Hz, don't count.

    Raises:
        ValueError: if the stretch is empty, or no panel shows such a chain and source.
    """
    if not seconds[0] < seconds[1]:
        raise ValueError(f"seconds must increase, received {seconds}")
    chosen = [
        panel
        for panel in panels
        if panel.chain in chains and (sources is None or panel.source in sources)
    ]
    if not chosen:
        raise ValueError(f"no panel shows the chains {chains} of the sources {sources}")
    mask = np.zeros(size, bool)
    for panel in chosen:
        mask[panel.rows, panel.columns] = _shown(panel, seconds, start)
    return mask


def planted_mask(
    panels: Sequence[Panel], size: tuple[int, int], *, chain: str, seconds: Span, start: float
) -> np.ndarray:
    """Mark the pixels that show the planted evidence, in every source.

    Args:
        panels: where each chain of each source lies, in any order.
        size: height and width of the picture in pixels.
        chain: LL, RL, LP or RP.
        seconds: start and stop of the evidence in the recording's own time.
        start: where the 50-s EEG window starts in the recording, in seconds.

    Returns:
        See ``stretch_mask``.

    Raises:
        ValueError: as ``stretch_mask``.
    """
    return stretch_mask(panels, size, seconds=seconds, start=start, chains=(chain,))


def _flat(maps: np.ndarray, within: np.ndarray | None) -> np.ndarray:
    """The pixels of ``within``, shape (n, pixels)."""
    flat = np.asarray(maps).reshape(len(maps), -1)
    return flat if within is None else flat[:, np.asarray(within, bool).ravel()]


def _mass(maps: np.ndarray, masks: np.ndarray, within: np.ndarray | None):
    """Positive parts and masks of ``within``, shapes (n, pixels), and each map's whole mass."""
    if np.shape(maps) != np.shape(masks):
        raise ValueError(
            f"maps and masks must be of one shape, received {np.shape(maps)} and {np.shape(masks)}"
        )
    positive = np.maximum(_flat(maps, within), 0).astype(float)
    total = positive.sum(axis=1)
    return positive, _flat(masks, within).astype(float), np.where(total > 0, total, np.nan)


def mass_inside(
    maps: np.ndarray, masks: np.ndarray, *, within: np.ndarray | None = None
) -> np.ndarray:
    """Fraction of each map's positive mass that lies inside its mask.

    Args:
        maps: shape ``(n, height, width)``; negative values count as 0.
        masks: where the evidence is, of that shape, bool.
        within: part of the picture to look at, such as ``stretch_mask`` of one source or of the
            window's 50 s, shape ``(height, width)``; ``None`` for all of it.

    Returns:
        Shape ``(n,)``, 0 to 1; NaN where a map has no positive mass.

    Raises:
        ValueError: if the shapes differ.
    """
    positive, inside, total = _mass(maps, masks, within)
    return (positive * inside).sum(axis=1) / total


def chance(masks: np.ndarray, *, within: np.ndarray | None = None) -> np.ndarray:
    """Fraction of mass that a map of one value everywhere has inside: the mask's share of area.

    Args:
        masks: shape ``(n, height, width)``, bool.
        within: as in ``mass_inside``. Evidence lies in the 50 s of the window alone, so a map
            that favours the middle of every picture beats chance over the whole 10 minutes
            without having seen anything; within these 50 s it gains nothing by that.

    Returns:
        Shape ``(n,)``, 0 to 1.
    """
    return _flat(masks, within).mean(axis=1)


def exchanged_mass(
    maps: np.ndarray, masks: np.ndarray, *, within: np.ndarray | None = None
) -> np.ndarray:
    """Mean fraction of each map's positive mass inside the other windows' masks.

    What a map has inside its own mask above this, it owes to its own window: a map that favours
    certain places in every window, as some networks' maps do, has no less in the others' masks.

    Args:
        maps: shape ``(n, height, width)``; negative values count as 0.
        masks: where the evidence is, of that shape, bool.
        within: as in ``mass_inside``.

    Returns:
        Shape ``(n,)``, 0 to 1; NaN where a map has no positive mass.

    Raises:
        ValueError: if the shapes differ or there are fewer than two windows.
    """
    if len(maps) < 2:
        raise ValueError(f"at least two windows are needed, received {len(maps)}")
    positive, inside, total = _mass(maps, masks, within)
    fractions = positive @ inside.T / total[:, np.newaxis]
    return (fractions.sum(axis=1) - np.diag(fractions)) / (len(maps) - 1)
