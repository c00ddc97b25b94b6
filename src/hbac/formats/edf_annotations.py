r"""Time-stamped annotation lists of EDF+ and BDF+: when records start, and what was remarked.

A list is ``+onset[\x15duration]\x14text\x14...\x14\x00``; the first of each record has an empty
text and states when the record starts (EDF+, section 2.2).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from hbac.formats.edf_header import EDFHeader
from hbac.formats.source import Annotation

_LIST = re.compile(
    rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14((?:[^\x00\x14]*\x14)*)(?=\x00|$)"
)
_ONSET = re.compile(rb"\x00*([+-]\d+(?:\.\d*)?)\x14\x14")


def _decode(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _annotations(block: bytes) -> Iterator[Annotation]:
    for onset, duration, texts in _LIST.findall(block):
        for text in texts.split(b"\x14")[:-1]:
            if text:
                yield Annotation(float(onset), float(duration or 0), _decode(text))


def _blocks(path: str, header: EDFHeader, n_records: int) -> Iterator[list[bytes]]:
    """The annotation signals of each record."""
    places = [
        (header.n_bytes + signal.place, signal.samples * header.sample_bytes)
        for signal in header.signals
        if signal.is_annotations
    ]
    if not places:
        yield from ([] for _ in range(n_records))
        return
    with open(path, "rb") as file:
        descriptor = file.fileno()
        for begin in range(0, n_records * header.record_bytes, header.record_bytes):
            yield [os.pread(descriptor, length, begin + place) for place, length in places]


def read_annotations(
    path: str, header: EDFHeader, n_records: int
) -> tuple[list[float | None], list[Annotation]]:
    """Read when each record starts, and all annotations, of which any signal may hold some.

    Args:
        path: the file.
        header: its header.
        n_records: records that it holds.

    Returns:
        Seconds from the header's start at which each record starts, None where it does not say;
        and the annotations, in the order of the file, with onsets from the same moment.
    """
    onsets: list[float | None] = []
    annotations: list[Annotation] = []
    for blocks in _blocks(path, header, n_records):
        stated = _ONSET.match(blocks[0]) if blocks else None
        onsets.append(float(stated[1]) if stated else None)
        for block in blocks:
            annotations += _annotations(block)
    return onsets, annotations
