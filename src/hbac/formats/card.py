"""The card of a recording: what was read as what, and the reason for each guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hbac.formats.clock import Gap

CARD_COLUMNS = (
    *("format", "start", "duration_seconds", "montage", "reference", "n_channels", "missing"),
    *("ignored", "n_gaps", "gap_seconds", "sampling_rates", "units", "remarks"),
)
"""Of a card as a row of a table."""


@dataclass(frozen=True)
class ChannelCard:
    """What a channel was read from.

    Attributes:
        channel: our name.
        label: its label in the file.
        unit: what its values were taken for.
        sampling_rate: samples a second in the file.
        remark: what is odd about it, "" where nothing is.
    """

    channel: str
    label: str
    unit: str
    sampling_rate: float
    remark: str


@dataclass(frozen=True)
class Card:
    """What is known of a recording; nothing in it names the patient.

    Attributes:
        file: name of the file, without its folder.
        format: such as ``EDF+D`` or ``BrainVision``.
        start: when it starts; None where the file does not say.
        duration: seconds, gaps included.
        montage: ``referential`` or ``bipolar``.
        reference: what electrodes were measured against, as labels name it; "" where none does.
        channels: what each channel was read from.
        missing: channels that the file lacks.
        ignored: labels of what was not read.
        gaps: where it holds nothing.
        remarks: what was assumed or is odd, and why.
    """

    file: str
    format: str
    start: datetime | None
    duration: float
    montage: str
    reference: str
    channels: tuple[ChannelCard, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...]
    gaps: tuple[Gap, ...]
    remarks: tuple[str, ...]

    @property
    def gap_seconds(self) -> float:
        """Length of all gaps together."""
        return sum(gap.stop - gap.start for gap in self.gaps)

    @property
    def sampling_rates(self) -> tuple[float, ...]:
        """Rates of the channels in the file, each once."""
        return tuple(sorted({channel.sampling_rate for channel in self.channels}))

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the channels, each once."""
        return tuple(sorted({channel.unit for channel in self.channels}))

    def as_row(self) -> dict[str, Any]:
        """The card by ``CARD_COLUMNS``, lists joined by a comma and remarks by a semicolon."""
        values = (
            *(self.format, "" if self.start is None else self.start.isoformat(sep=" ")),
            *(self.duration, self.montage, self.reference, len(self.channels)),
            *(", ".join(self.missing), ", ".join(self.ignored)),
            *(len(self.gaps), round(self.gap_seconds, 3)),
            ", ".join(f"{rate:g}" for rate in self.sampling_rates),
            *(", ".join(self.units), "; ".join(self.all_remarks)),
        )
        return dict(zip(CARD_COLUMNS, values, strict=True))

    @property
    def all_remarks(self) -> tuple[str, ...]:
        """Remarks on the file and on its channels, equal ones once."""
        of_channels: dict[str, list[str]] = {}
        for channel in self.channels:
            if channel.remark:
                of_channels.setdefault(channel.remark, []).append(channel.channel)
        joined = (f"{', '.join(names)}: {remark}" for remark, names in of_channels.items())
        return (*self.remarks, *joined)

    def __str__(self) -> str:
        """The card in one line, for a log."""
        reference = f" against {self.reference}" if self.reference else ""
        parts = [
            f"{self.format}, {self.duration:g} s from {self.start or 'an unknown start'}",
            f"{self.montage}{reference}",
            f"{len(self.channels)} channels at {self.as_row()['sampling_rates']} Hz"
            f" in {', '.join(self.units)}",
        ]
        if self.missing:
            parts.append(f"missing {', '.join(self.missing)}")
        if self.gaps:
            parts.append(f"{len(self.gaps)} gaps of {self.gap_seconds:g} s")
        return "; ".join([*parts, *self.all_remarks])
