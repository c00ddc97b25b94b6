"""What a network sees, or a map over it, read back by chain in the recording's own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Panel, Source
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.spectrogram import WINDOW_SECONDS


@dataclass(frozen=True)
class ChainMap:
    """Values of one source over chains, frequencies or channels, and time.

    Attributes:
        source: ``regional``, ``eeg``, ``centre`` or ``waveform``.
        values: shape ``(..., 4 chains, rows, columns)``; chains in the order LL, RL, LP, RP, low
            frequencies and early times first; rows of a waveform are channels, front to back.
        hertz: edges of the rows, shape ``(rows + 1,)``; None of a waveform. Rows below 0 or above
            20 Hz are margins of the picture that show no EEG.
        seconds: edges of the columns, shape ``(columns + 1,)``, from the start of the EEG file;
            they may lie before it or beyond its end, as the 10 minutes around an EEG do.
    """

    source: Source
    values: np.ndarray
    hertz: np.ndarray | None
    seconds: np.ndarray


def source_offset(source: Source) -> float:
    """Return how many seconds after an EEG window's start a source's own window starts.

    The 10-minute window and the 50-s EEG window share their centre, hence -275 s.
    """
    if source == "regional":
        return (WINDOW_SECONDS - WINDOW_ROWS * ROW_SECONDS) / 2
    return 0.0


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
    maps = {}
    for source in sources:
        of_chain = {panel.chain: panel for panel in panels if panel.source == source}
        if set(of_chain) != set(CHAINS):
            raise ValueError(f"source {source} must have {list(CHAINS)}, has {list(of_chain)}")
        parts = [pictures[..., of_chain[chain].rows, of_chain[chain].columns] for chain in CHAINS]
        values = np.stack(parts, axis=-3)
        any_panel, (rows, columns) = of_chain["LL"], values.shape[-2:]
        begin = start + source_offset(source)
        seconds = begin + np.linspace(*any_panel.seconds, columns + 1)
        hertz = any_panel.hertz and np.linspace(*any_panel.hertz, rows + 1)
        maps[source] = ChainMap(source, values, hertz, seconds)
    return maps
