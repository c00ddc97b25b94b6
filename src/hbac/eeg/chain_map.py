"""What a network sees, or a map over it, read back by chain in the recording's own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Panel, Source
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS


@dataclass(frozen=True)
class ChainMap:
    """Values of one source over chains, frequencies or channels, and time.

    Attributes:
        source: ``regional``, ``eeg``, ``centre`` or ``waveform``.
        values: shape ``(..., 4 chains, rows, columns)``; chains in the order LL, RL, LP, RP, low
            frequencies and early times first; rows of a waveform are channels, front to back. Where
            each channel of a chain has a panel of its own, their mean, each of its rows repeated:
            so a chain has as many rows as lie in the picture, and a map's sum is the same.
        hertz: edges of the rows, shape ``(rows + 1,)``; None of a waveform. Rows below 0 or above
            20 Hz are margins of the picture that show no EEG.
        seconds: edges of the columns, shape ``(columns + 1,)``, from the start of the EEG file;
            they may lie before it or beyond its end, as the 10 minutes around an EEG do.
        channels: where each has a panel of its own, by channel its values, shape
            ``(..., rows, columns)``, chain by chain and front to back; their rows are as many equal
            parts of 0 to 20 Hz.
    """

    source: Source
    values: np.ndarray
    hertz: np.ndarray | None
    seconds: np.ndarray
    channels: Mapping[str, np.ndarray] = field(default_factory=dict)


def source_offset(source: Source) -> float:
    """Return how many seconds after an EEG window's start a source's own window starts.

    The 10-minute window and the 50-s EEG window share their centre, hence -275 s.
    """
    if source == "regional":
        return (WINDOW_SECONDS - WINDOW_ROWS * ROW_SECONDS) / 2
    return 0.0


def _by_chain(panels: Sequence[Panel], source: Source) -> list[list[Panel]]:
    """Panels of each chain, in chain order and from top to bottom."""
    downward = sorted(panels, key=lambda panel: panel.rows.start)
    found = list(dict.fromkeys(panel.chain for panel in downward))
    if set(found) != set(CHAINS):
        raise ValueError(f"source {source} must have {list(CHAINS)}, has {found}")
    return [[panel for panel in downward if panel.chain == chain] for chain in CHAINS]


def _chain_values(pictures: np.ndarray, panels: Sequence[Panel]) -> np.ndarray:
    """A chain's values: its panel's, or the mean of its channels' panels, in as many rows."""
    parts = [pictures[..., panel.rows, panel.columns] for panel in panels]
    if len(parts) == 1:
        return parts[0]
    return np.repeat(np.mean(parts, axis=0), len(parts), axis=-2)


def _source_map(pictures: np.ndarray, panels: Sequence[Panel], start: float) -> ChainMap:
    source = panels[0].source
    by_chain = _by_chain(panels, source)
    values = np.stack([_chain_values(pictures, of_chain) for of_chain in by_chain], axis=-3)
    any_panel, (rows, columns) = panels[0], values.shape[-2:]
    begin = start + source_offset(source)
    seconds = begin + np.linspace(*any_panel.seconds, columns + 1)
    hertz = any_panel.hertz and np.linspace(*any_panel.hertz, rows + 1)
    channels = {
        panel.channel: pictures[..., panel.rows, panel.columns].copy()
        for of_chain in by_chain
        for panel in of_chain
        if panel.channel is not None
    }
    return ChainMap(source, values, hertz, seconds, channels)


def chain_maps(
    pictures: np.ndarray, panels: Sequence[Panel], *, start: float = 0.0
) -> dict[Source, ChainMap]:
    """Take pictures or waveforms, or maps of their size, apart into chain x row x seconds.

    Args:
        pictures: shape ``(..., height, width)``.
        panels: where each chain of each source lies, in any order.
        start: where the 50-s EEG window starts in its file, in seconds.

    Returns:
        By source, its values, copied.

    Raises:
        ValueError: if a source lacks a chain.
    """
    sources = dict.fromkeys(panel.source for panel in panels)
    return {
        source: _source_map(pictures, [one for one in panels if one.source == source], start)
        for source in sources
    }
