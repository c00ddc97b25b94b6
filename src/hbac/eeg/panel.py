"""Where one chain, or a channel of it, lies in what a network sees, and what its edges mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PictureSource = Literal["regional", "eeg", "centre"]
"""``regional``: the 10-minute power spectrograms; ``eeg``: those of the 50-s EEG window;
``centre``: those of its central 10.24 s."""

Source = Literal[PictureSource, "waveform"]
"""A source of pictures, or ``waveform``: the bipolar EEG itself, of the 50-s window or its
middle."""


@dataclass(frozen=True)
class Panel:
    """Where a chain of a source lies in the picture or waveform, and what its edges mean.

    Attributes:
        source: ``regional``, ``eeg``, ``centre`` or ``waveform``.
        chain: LL, RL, LP or RP.
        rows: the panel's rows, low frequencies first; of a waveform its channels, front to back.
        columns: the panel's columns.
        seconds: time at its left and right edge, from the start of the source's window; of a
            waveform from the start of the 50-s window.
        hertz: frequency at the edge of its first and last row. A margin where the source has no
            data reaches beyond 0 and 20 Hz. None of a waveform, whose rows are channels.
        channel: the one of the chain's channels that the panel shows, such as ``Fp1-F7``; None
            where it shows all four, or their mean.
    """

    source: Source
    chain: str
    rows: slice
    columns: slice
    seconds: tuple[float, float]
    hertz: tuple[float, float] | None
    channel: str | None = None
