"""The picture that a network sees: spectrogram panels, chains down and sources across.

Row 0 of every panel is its lowest frequency. Both sources are linear in Hz (the mel scale is,
below 1 kHz) and in time, so a panel's edges in seconds and Hz say all about its axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from hbac.eeg.montage import CHAINS
from hbac.eeg.regional import FREQUENCIES, N_FREQUENCIES, ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.spectrogram import MAX_FREQUENCY, N_FRAMES, N_MELS, WINDOW_SECONDS

Source = Literal["regional", "eeg"]
"""``regional``: the 10-minute power spectrograms; ``eeg``: those of the 50-s EEG window."""

CELL_HEIGHT, CELL_WIDTH = N_MELS, N_FRAMES
"""Size in pixels of one panel before the picture is scaled."""

LOG_POWER_RANGE = (-4.0, 8.0)
_REGIONAL_SCALE = 0.5


@dataclass(frozen=True)
class Panel:
    """Where one chain of one source lies in the picture, and what its edges mean.

    Attributes:
        source: ``regional`` or ``eeg``.
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


@dataclass(frozen=True)
class ImageLayout:
    """Which panels make the picture, how they fit their cells, and its size.

    Attributes:
        sources: the sources, left to right.
        fit: how the 100 x 300 pixels of a regional panel fill a cell of 128 x 256: ``crop`` cuts
            22 columns from either end and leaves margins of 14 rows, ``stretch`` resamples.
        size: height and width of the picture in pixels; cells are averaged down to it.

    Raises:
        ValueError: if there is no source or a source repeats, or the cells do not divide the size.
    """

    sources: tuple[Source, ...] = ("regional", "eeg")
    fit: Literal["crop", "stretch"] = "crop"
    size: tuple[int, int] = (512, 512)

    def __post_init__(self) -> None:
        if not self.sources or len(set(self.sources)) < len(self.sources):
            raise ValueError(f"sources must be given once each, received {self.sources}")
        height, width = self.size
        if min(self.size) < 1 or height % len(CHAINS) or width % len(self.sources):
            raise ValueError(
                f"size must be a multiple of {len(CHAINS)} rows and {len(self.sources)} columns, "
                f"received {self.size}"
            )

    def _edges(self, source: Source) -> tuple[tuple[float, float], tuple[float, float]]:
        """Seconds and Hz at the edges of a source's cells."""
        if source == "eeg":
            return (0.0, float(WINDOW_SECONDS)), (0.0, MAX_FREQUENCY)
        cut, margin = _regional_cut_and_margin() if self.fit == "crop" else (0, 0)
        bin_width = FREQUENCIES[1] - FREQUENCIES[0]
        seconds = (float(cut * ROW_SECONDS), float((WINDOW_ROWS - cut) * ROW_SECONDS))
        low = FREQUENCIES[0] - (margin + 0.5) * bin_width
        high = FREQUENCIES[-1] + (margin + 0.5) * bin_width
        return seconds, (float(low), float(high))

    def panels(self) -> tuple[Panel, ...]:
        """Return every panel, source by source and chain by chain."""
        height = self.size[0] // len(CHAINS)
        width = self.size[1] // len(self.sources)
        return tuple(
            Panel(
                source,
                chain,
                slice(row * height, (row + 1) * height),
                slice(column * width, (column + 1) * width),
                *self._edges(source),
            )
            for column, source in enumerate(self.sources)
            for row, chain in enumerate(CHAINS)
        )


def _regional_cut_and_margin() -> tuple[int, int]:
    return (WINDOW_ROWS - CELL_WIDTH) // 2, (CELL_HEIGHT - N_FREQUENCIES) // 2


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample by averaging over the area of each new pixel."""
    if image.shape == (height, width):
        return image
    picture = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _standardised_log_power(power: np.ndarray) -> np.ndarray:
    """Clip, log and standardise one panel of power; 0 where it is missing."""
    log_power = np.log(np.clip(power, *np.exp(LOG_POWER_RANGE)))
    present = log_power[~np.isnan(log_power)]
    if not present.size:
        return np.zeros_like(log_power)
    standardised = (log_power - present.mean()) / (present.std() + 1e-6)
    return np.nan_to_num(standardised)


def regional_cells(power: np.ndarray, *, fit: Literal["crop", "stretch"]) -> list[np.ndarray]:
    """Make the four cells of a 10-minute window, each standardised on its own.

    Args:
        power: regional power, shape ``(300, 400)``, NaN where missing.
        fit: see ``ImageLayout``.

    Returns:
        Four arrays of shape ``(128, 256)``, in chain order.

    Raises:
        ValueError: if the shape is another.
    """
    if power.shape != (WINDOW_ROWS, len(CHAINS) * N_FREQUENCIES):
        raise ValueError(f"power must have shape (300, 400), received {power.shape}")
    panels = [_standardised_log_power(chain.T) for chain in np.split(power, len(CHAINS), axis=1)]
    if fit == "stretch":
        cells = [_resize(panel, CELL_HEIGHT, CELL_WIDTH) for panel in panels]
    else:
        cut, margin = _regional_cut_and_margin()
        cells = [np.pad(panel[:, cut:-cut], [(margin, margin), (0, 0)]) for panel in panels]
    return [cell * _REGIONAL_SCALE for cell in cells]


def build_image(regional: np.ndarray, eeg: np.ndarray, layout: ImageLayout) -> np.ndarray:
    """Lay the panels of one window out as one picture.

    Args:
        regional: regional power of the 10-minute window, shape ``(300, 400)``; all NaN makes an
            empty panel.
        eeg: log-mel spectrograms of the 50-s window, shape ``(128, 256, 4)``.
        layout: which panels, how, and how large.

    Returns:
        Shape ``layout.size``, float16.

    Raises:
        ValueError: if an input has another shape.
    """
    if eeg.shape != (CELL_HEIGHT, CELL_WIDTH, len(CHAINS)):
        raise ValueError(f"eeg must have shape (128, 256, 4), received {eeg.shape}")
    cells = {
        "regional": lambda: regional_cells(regional, fit=layout.fit),
        "eeg": lambda: list(np.moveaxis(eeg, -1, 0)),
    }
    picture = np.hstack([np.vstack(cells[source]()) for source in layout.sources])
    return _resize(picture, *layout.size).astype(np.float16)
