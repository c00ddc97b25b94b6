"""A multichannel EEG recording and the electrodes that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAMPLING_RATE = 200
"""Samples a second of every EEG file."""

ELECTRODES = (
    *("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1"),
    *("Fz", "Cz", "Pz"),
    *("Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2"),
)
"""The 19 electrodes of the international 10-20 system, in the order of the files' columns."""

CHANNELS = (*ELECTRODES, "EKG")
"""Every channel of an EEG file, in the order of its columns."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A stretch of EEG.

    Attributes:
        data: EEG in microvolts, shape ``(channels, samples)``, float32; NaN where missing.
        channels: the channels' names, one a row of ``data``.
        sampling_rate: samples a second.

    Raises:
        ValueError: if ``data`` is not two-dimensional, the names do not fit its rows or repeat,
            or the sampling rate is not positive.
    """

    data: np.ndarray
    channels: tuple[str, ...]
    sampling_rate: float = SAMPLING_RATE

    def __post_init__(self) -> None:
        if self.data.ndim != 2 or len(self.data) != len(self.channels):
            raise ValueError(
                f"data must have shape ({len(self.channels)}, samples) for the channels "
                f"{self.channels}, received {self.data.shape}"
            )
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"channels must not repeat, received {self.channels}")
        if not self.sampling_rate > 0:
            raise ValueError(f"sampling_rate must be positive, received {self.sampling_rate}")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.data.shape[1] / self.sampling_rate

    def pick(self, channels: tuple[str, ...]) -> Recording:
        """Return the named channels, in the order in which they are named.

        Raises:
            ValueError: if a name is not among the recording's channels.
        """
        return Recording(self.data[self.rows(channels)], tuple(channels), self.sampling_rate)

    def rows(self, channels: tuple[str, ...]) -> list[int]:
        """Return the rows of ``data`` that hold the named channels.

        Raises:
            ValueError: if a name is not among the recording's channels.
        """
        missing = [name for name in channels if name not in self.channels]
        if missing:
            raise ValueError(f"no channel {missing} in a recording of {self.channels}")
        return [self.channels.index(name) for name in channels]

    def crop(self, start: float, seconds: float) -> Recording:
        """Return ``seconds`` of the recording from ``start``, both in seconds.

        Raises:
            ValueError: if the stretch does not lie wholly inside the recording.
        """
        first = round(start * self.sampling_rate)
        last = first + round(seconds * self.sampling_rate)
        if first < 0 or last > self.data.shape[1]:
            raise ValueError(
                f"seconds {start:g} to {start + seconds:g} do not lie inside a recording of "
                f"{self.duration:g} s ({self.data.shape[1]} samples)"
            )
        return Recording(self.data[:, first:last], self.channels, self.sampling_rate)
