"""Recordings as amplifiers write them: names, units, rates, references and gaps."""

from hbac.formats.card import Card, ChannelCard
from hbac.formats.clock import Gap
from hbac.formats.limits import Limits, UnreadableRecordingError
from hbac.formats.open import open_recording
from hbac.formats.recording import RecordingFile
from hbac.formats.source import Annotation

__all__ = [
    "Annotation",
    "Card",
    "ChannelCard",
    "Gap",
    "Limits",
    "RecordingFile",
    "UnreadableRecordingError",
    "open_recording",
]
