"""Events as an EDF+ file that holds annotations alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

import pandas as pd
from edfio import Edf, EdfAnnotation, Recording

from hbac.timeline.chains import chain_electrodes, chain_pairs

EQUIPMENT = "hbac"
"""What the header names as the source of the annotations."""

_FIRST_YEAR, _LAST_YEAR = 1985, 2084
_PLACEHOLDER = "x"


def _labels_of(chains: str, labels: Mapping[str, str]) -> list[str]:
    """What the recording's file calls the channels of an event's chains."""
    channels = [*chain_electrodes(chains), *chain_pairs(chains)]
    return list(dict.fromkeys(labels[name] for name in channels if name in labels))


def _annotations(events: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[EdfAnnotation]:
    chains = events["chains"].fillna("")
    for event, known in zip(events.itertuples(), chains, strict=True):
        onset, duration = round(event.onset, 6), round(event.duration, 6)
        named = [f"{event.trial_type}@@{label}" for label in _labels_of(known, labels)]
        for text in named or [event.trial_type]:
            yield EdfAnnotation(onset, duration, text)


def _dated(start: datetime | None) -> tuple[date | None, time | None]:
    """Date and time for a header; EDF has no dates but those of 1985 to 2084."""
    if start is None:
        return None, None
    known = _FIRST_YEAR <= start.year <= _LAST_YEAR
    return start.date() if known else None, start.time()


def annotations_as_edf(
    events: pd.DataFrame,
    *,
    start: datetime | None = None,
    labels: Mapping[str, str] | None = None,
) -> bytes:
    """Write events as an EDF+ file without signals.

    Onsets are on the true clock: seconds since the recording's start, gaps included, and its start
    to the microsecond. So a reader that keeps the gaps of EDF+D shows them where they are; one
    that closes the gaps up shows what follows a gap too late by its length. The patient's
    fields say that they are unknown.

    Args:
        events: those of one recording, as ``hbac.timeline.find_events`` returns them.
        start: when the recording began; without it the header says that the date is not known.
        labels: by the name of an electrode, or of a pair such as ``Fp1-F7``, what the recording's
            file calls that channel. An event whose chains are known is written once for each of
            their channels, as EDF+ has it: ``LPD@@EEG F7-REF`` (Kemp and Olivan, Clin Neurophysiol
            2003;114:1755-1761, and edfplus.info). None writes every event once.

    Returns:
        The file's bytes.
    """
    day, clock = _dated(start)
    found = list(_annotations(events, labels or {}))
    file = Edf(
        [],
        recording=Recording(startdate=day, equipment_code=EQUIPMENT),
        starttime=clock,
        # edfio wants an annotation where there is no signal.
        annotations=found or [EdfAnnotation(0, None, _PLACEHOLDER)],
    )
    if not found:
        file.drop_annotations(_PLACEHOLDER)
    return file.to_bytes()
