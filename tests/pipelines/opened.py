"""Recordings as they are once opened, without a file: what pages and explanations take of them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hbac.eeg.recording import CHANNELS, Recording
from hbac.formats.card import Card, ChannelCard
from hbac.formats.clock import Gap

START = datetime(2030, 3, 9, 21, 14, 5)


@dataclass(frozen=True)
class Opened:
    """A recording of noise, the same at the same second."""

    duration: float
    start: datetime | None = START
    channels: tuple[str, ...] = CHANNELS
    missing: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def card(self):
        montage = "referential" if self.channels == CHANNELS else "bipolar"
        read = tuple(
            ChannelCard(name, f"EEG {name.upper()}-REF", "uV", 256.0, "")
            for name in self.channels
            if name not in self.missing
        )
        return Card(
            "night.edf", "EDF+D", self.start, self.duration, montage, "REF", read, self.missing,
            self.ignored, self.gaps, self.remarks,
        )  # fmt: skip

    def read(self, start, seconds, channels=None):
        first = round(start * 200)
        seed = np.random.default_rng(abs(first))
        data = seed.normal(0, 20, (len(self.channels), round(seconds * 200))).astype(np.float32)
        times = (first + np.arange(data.shape[1])) / 200
        data[:, (times < 0) | (times >= self.duration)] = np.nan
        data[[name in self.missing for name in self.channels]] = np.nan
        return Recording(data, self.channels)
