"""Where one chain of one spectrogram lies in a picture, and what its edges mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["regional", "eeg", "centre"]
"""``regional``: the 10-minute power spectrograms; ``eeg``: those of the 50-s EEG window;
``centre``: those of its central 10.24 s."""


@dataclass(frozen=True)
class Panel:
    """Where one chain of one source lies in the picture, and what its edges mean.

    Attributes:
        source: ``regional``, ``eeg`` or ``centre``.
        chain: LL, RL, LP or RP.
        rows: the panel's rows in the picture, low frequencies first.
        columns: the panel's columns in the picture.
        seconds: time at its left and right edge, from the start of the source's window.
        hertz: frequency at the edge of its first and last row. A margin where the source has no
            data reaches beyond 0 and 20 Hz.
    """

    source: Source
    chain: str
    rows: slice
    columns: slice
    seconds: tuple[float, float]
    hertz: tuple[float, float]
