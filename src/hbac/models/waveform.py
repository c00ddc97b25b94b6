"""The bipolar EEG as a network sees it, beside ``image`` with the pictures of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Panel
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.waveform import MIRRORED_CHANNELS, N_BIPOLAR


def mirror_waveforms(waveforms: np.ndarray) -> np.ndarray:
    """Swap the hemispheres of bipolar EEG, shape ``(batch, channels, samples)``."""
    return waveforms[:, MIRRORED_CHANNELS]


def middle_columns(waveforms: np.ndarray, n_columns: int) -> np.ndarray:
    """Cut so many columns out of the middle, without a copy."""
    first = (waveforms.shape[-1] - n_columns) // 2
    return waveforms[..., first : first + n_columns]


@dataclass(frozen=True)
class WaveformLayout:
    """Bipolar channels down, time across.

    Attributes:
        size: number of channels and of samples that a network sees.
        sampling_rate: samples a second.
        margin: samples that are stored beyond either end, so that training may begin elsewhere.
    """

    size: tuple[int, int]
    sampling_rate: float = 100.0
    margin: int = 0

    def __post_init__(self) -> None:
        if self.size[0] != N_BIPOLAR:
            raise ValueError(f"waveforms must have {N_BIPOLAR} channels, received {self.size[0]}")

    @classmethod
    def of_seconds(cls, seconds: float, sampling_rate: float, shift: float = 0.0) -> WaveformLayout:
        """Lay out so many seconds in the middle of the window, and what a shift may add to them."""
        size = (N_BIPOLAR, round(seconds * sampling_rate))
        return cls(size, sampling_rate, round(shift * sampling_rate))

    @property
    def stored_columns(self) -> int:
        """Samples that are stored."""
        return self.size[1] + 2 * self.margin

    def middle(self, waveforms: np.ndarray) -> np.ndarray:
        """Leave the margins out, shape ``(..., samples)``."""
        return middle_columns(waveforms, waveforms.shape[-1] - 2 * self.margin)

    def mirror(self, waveforms: np.ndarray) -> np.ndarray:
        """Swap the hemispheres, shape ``(batch, channels, samples)``."""
        return mirror_waveforms(waveforms)

    def blocks(self) -> tuple[slice, ...]:
        """All samples have one time axis."""
        return (slice(0, self.size[1]),)

    def panel_heights(self) -> None:
        """Rows are channels, not frequencies."""

    def chain_height(self) -> int:
        """Rows of one chain: its four channels."""
        return N_BIPOLAR // len(CHAINS)

    @property
    def seconds(self) -> tuple[float, float]:
        """The stretch in the middle of the 50-s window that is seen, from that window's start."""
        seen = self.size[1] / self.sampling_rate
        return (WINDOW_SECONDS - seen) / 2, (WINDOW_SECONDS + seen) / 2

    def panels(self) -> tuple[Panel, ...]:
        """Return the chains from top to bottom."""
        height, (columns,) = self.chain_height(), self.blocks()
        return tuple(
            Panel(
                "waveform",
                chain,
                slice(row * height, (row + 1) * height),
                columns,
                self.seconds,
                None,
            )
            for row, chain in enumerate(CHAINS)
        )
