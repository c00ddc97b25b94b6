"""Recordings as amplifiers write them: names, units, rates, references and gaps.

Names load on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "card": ["Card", "ChannelCard"],
        "clock": ["Gap"],
        "limits": ["Limits", "UnreadableRecordingError"],
        "open": ["open_recording"],
        "recording": ["RecordingFile"],
        "source": ["Annotation"],
    },
)
