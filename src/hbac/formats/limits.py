"""What a file may ask for before any of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass


class UnreadableRecordingError(ValueError):
    """A file that is no recording, or none that can be used; the message names file and fault."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a file, so that a header's word alone never claims memory.

    Attributes:
        most_channels: signals a file may hold.
        most_hours: longest recording, gaps included.
        most_unfolding: how many times its size on disk a file's values may take. EEG packs three
            or four times at best; what unfolds a thousand times is no recording.
        most_bytes_at_once: what must be decoded in one piece to read any of it, such as a row group
            of parquet.
        least_present: share of the data promised by its header that a file must hold. One that was
            cut short by less is read as far as it goes.
    """

    most_channels: int = 1024
    most_hours: float = 24 * 31
    most_unfolding: float = 100
    most_bytes_at_once: int = 2**30
    least_present: float = 0.9

    def check(self, n_channels: int, seconds: float) -> None:
        """Refuse a file of too many signals, or too long a one.

        Args:
            n_channels: signals that it holds.
            seconds: how long it lasts, gaps included.

        Raises:
            UnreadableRecordingError: if it goes beyond ``most_channels`` or ``most_hours``.
        """
        if n_channels > self.most_channels:
            raise UnreadableRecordingError(
                f"it has {n_channels} channels, more than most_channels = {self.most_channels}"
            )
        if seconds > self.most_hours * 3600:
            raise UnreadableRecordingError(
                f"it lasts {seconds / 3600:g} h, more than most_hours = {self.most_hours:g}"
            )
