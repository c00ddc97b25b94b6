"""A recording in a file, of any length and format, read where and when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE, Recording
from hbac.formats.card import Card, ChannelCard
from hbac.formats.choose import Choice
from hbac.formats.clock import Gap, gaps_between
from hbac.formats.resample import n_resampled, ratio, resample
from hbac.formats.source import Annotation, Signal, Source, Stretch
from hbac.formats.units import unit_name


@dataclass(frozen=True)
class RecordingFile:
    """A recording of any length, of which nothing is in memory but where things are.

    Attributes:
        source: the opened file.
        choice: which of its signals are which channels.
        factors: microvolts in the unit of each channel that is there, by channel.
    """

    source: Source
    choice: Choice
    factors: dict[str, float]

    @property
    def path(self) -> str:
        """The file."""
        return self.source.path

    @property
    def sampling_rate(self) -> int:
        """Samples a second of what is read, whatever the file's rate."""
        return SAMPLING_RATE

    @property
    def start(self) -> datetime | None:
        """When it starts; None where the file does not say."""
        return self.source.start

    @property
    def duration(self) -> float:
        """Seconds of the true clock, gaps included."""
        return self.source.duration

    @property
    def channels(self) -> tuple[str, ...]:
        """``hbac.eeg.CHANNELS``, or the chains' pairs and EKG where the file is bipolar."""
        return self.choice.channels

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Where it holds nothing."""
        return gaps_between(self.source.stretches)

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """What the file itself carries."""
        return self.source.annotations

    @property
    def card(self) -> Card:
        """What was read as what."""
        picks = self.choice.picks
        chosen = {pick.signal for pick in picks.values()}
        signals = self.source.signals
        return Card(
            file=Path(self.path).name,
            format=self.source.format,
            start=self.start,
            duration=self.duration,
            montage=self.choice.montage,
            reference=self.choice.reference,
            channels=tuple(
                self._channel_card(name, signals[picks[name].signal])
                for name in self.channels
                if name in picks
            ),
            missing=self.choice.missing,
            ignored=tuple(
                signal.label for index, signal in enumerate(signals) if index not in chosen
            ),
            gaps=self.gaps,
            remarks=(*self.source.remarks, *self.choice.remarks),
        )

    def _channel_card(self, channel: str, signal: Signal) -> ChannelCard:
        rate = float(signal.sampling_rate)
        return ChannelCard(
            channel, signal.label, unit_name(self.factors[channel]), rate, signal.remark
        )

    def read(
        self, start: float, seconds: float, channels: Sequence[str] | None = None
    ) -> Recording:
        """Read a part of the recording.

        Args:
            start: seconds of the true clock, from the recording's start; taken to the nearest
                sample at 200 Hz.
            seconds: how many, from there.
            channels: some of ``self.channels``, or None for all.

        Returns:
            Microvolts at 200 Hz, float32; NaN in gaps, in channels that are missing, and before
            and after the recording. A sample is the same in whatever part it is read.

        Raises:
            ValueError: if a channel is none of this recording's.
            OSError: if the file is no longer there.
        """
        names = self.channels if channels is None else tuple(channels)
        unknown = [name for name in names if name not in self.channels]
        if unknown:
            raise ValueError(f"no channel {unknown} in a recording of {self.channels}")
        first = round(start * SAMPLING_RATE)
        data = np.full((len(names), round(seconds * SAMPLING_RATE)), np.nan, np.float32)
        rates: dict[Fraction, list[int]] = {}
        for row, name in enumerate(names):
            if name in self.choice.picks:
                signal = self.source.signals[self.choice.picks[name].signal]
                rates.setdefault(signal.sampling_rate, []).append(row)
        for rate, rows in rates.items():
            data[rows] = self._read_rate([names[row] for row in rows], rate, first, data.shape[1])
        return Recording(data, names, SAMPLING_RATE)

    def _read_rate(self, names: list[str], rate: Fraction, first: int, n: int) -> np.ndarray:
        """Read channels of one rate: ``n`` samples at 200 Hz from ``first`` on."""
        data = np.full((len(names), n), np.nan, np.float32)
        seconds = first / SAMPLING_RATE, (first + n) / SAMPLING_RATE
        for stretch in self.source.stretches_between(*seconds):
            begin = round(stretch.start * SAMPLING_RATE)
            n_samples = int(stretch.seconds * rate)
            last = begin + n_resampled(n_samples, ratio(rate))
            known = max(first, begin), min(first + n, last)
            if known[0] < known[1]:
                part = slice(known[0] - first, known[1] - first)
                within = known[0] - begin, known[1] - begin
                data[:, part] = self._read_stretch(names, stretch, rate, within)
        return data

    def _read_stretch(
        self, names: list[str], stretch: Stretch, rate: Fraction, within: tuple[int, int]
    ) -> np.ndarray:
        picks = [self.choice.picks[name] for name in names]
        read = partial(
            _read_from, self.source, [pick.signal for pick in picks], int(stretch.first * rate)
        )
        values = resample(read, int(stretch.seconds * rate), ratio(rate), *within)
        for row, name, pick in zip(values, names, picks, strict=True):
            signal, factor = self.source.signals[pick.signal], pick.sign * self.factors[name]
            row *= np.float32(factor * signal.gain)
            row += np.float32(factor * signal.offset)
        return values


def _read_from(
    source: Source, signals: list[int], origin: int, first: int, last: int
) -> np.ndarray:
    """Read samples that are counted from the start of a stretch."""
    return source.read(signals, origin + first, origin + last)
