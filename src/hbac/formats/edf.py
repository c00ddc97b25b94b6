"""EDF, EDF+ and BDF files, read record by record where asked, on the clock of their records.

A reader of our own, since mne 1.13 and edfio close the gaps of EDF+D up (mne issue 13429).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

import numpy as np

from hbac.formats.clock import lay_out
from hbac.formats.edf_annotations import read_annotations
from hbac.formats.edf_header import EDFHeader, EDFSignal, read_header
from hbac.formats.limits import Limits, UnreadableRecordingError
from hbac.formats.source import Annotation, Signal, Source

_REPLACEMENT = "\ufffd".encode()
_LOOKED_AT_BYTES = 2**20
_MOST_REPLACED = 1e-3


@dataclass(frozen=True)
class EDFSource(Source):
    """An EDF or BDF file.

    Attributes:
        header: as it was read.
        places: of each of ``signals``, its place in the header's.
    """

    header: EDFHeader
    places: tuple[int, ...]

    def _records(self, first: int, last: int) -> np.ndarray:
        """Bytes of records, shape ``(records, bytes)``."""
        length = self.header.record_bytes
        values = np.fromfile(
            self.path,
            np.uint8,
            count=(last - first) * length,
            offset=self.header.n_bytes + first * length,
        )
        if values.size < (last - first) * length:
            raise OSError(f"{self.path} has become shorter since it was opened")
        return values.reshape(last - first, length)

    def _decode(self, records: np.ndarray, signal: EDFSignal) -> np.ndarray:
        width = self.header.sample_bytes
        stored = records[:, signal.place : signal.place + width * signal.samples]
        if width == 2:
            return np.ascontiguousarray(stored).view("<i2").reshape(-1)
        # The three bytes become the upper ones of four, whose sign is then right.
        wide = np.zeros((stored.size // 3, 4), np.uint8)
        wide[:, 1:] = stored.reshape(-1, 3)
        return wide.view("<i4").reshape(-1) >> 8

    def read(self, signals: list[int], first: int, last: int) -> np.ndarray:
        """See ``Source.read``."""
        chosen = [self.header.signals[self.places[index]] for index in signals]
        samples = chosen[0].samples
        begin = first // samples
        records = self._records(begin, -(-last // samples))
        values = np.empty((len(chosen), last - first), np.float32)
        for row, signal in zip(values, chosen, strict=True):
            row[:] = self._decode(records, signal)[first - begin * samples :][: last - first]
        return values


def refuse_damaged(path: str) -> None:
    """Refuse a binary file that was converted as if it were text.

    Raises:
        UnreadableRecordingError: if more than one in a thousand bytes are Unicode's replacement
            character, which samples hold by chance once in millions.
    """
    with open(path, "rb") as file:
        looked_at = file.read(_LOOKED_AT_BYTES)
    n = looked_at.count(_REPLACEMENT)
    if n > _MOST_REPLACED * len(looked_at) / len(_REPLACEMENT):
        raise UnreadableRecordingError(
            f"its first {len(looked_at)} bytes hold the replacement character U+FFFD {n} times: a "
            "program converted this binary file as if it were text, and the samples are lost; "
            "take the original"
        )


def _count_records(header: EDFHeader, size: int, limits: Limits) -> tuple[int, list[str]]:
    """Records to read, and what is odd about their number.

    Raises:
        UnreadableRecordingError: if there is none, or far fewer than the header promises.
    """
    stated = header.n_records
    if not header.record_bytes or not header.record_seconds:
        raise UnreadableRecordingError("it holds no data: its records are empty or last 0 s")
    held, rest = divmod(max(size - header.n_bytes, 0), header.record_bytes)
    if not held:
        raise UnreadableRecordingError(
            f"it holds no data: its header states {stated} records, and {max(rest, 0)} bytes "
            f"follow, where a record has {header.record_bytes}"
        )
    if held < stated * limits.least_present:
        raise UnreadableRecordingError(
            f"its header states {stated} records, and it holds {held}: it was cut off. Copy it "
            f"again, or lower least_present = {limits.least_present:g} to read what is there"
        )
    if stated <= 0 or (held > stated and not rest) or held < stated:
        remark = f"the header states {stated} records, the file holds {held}: all of these are read"
        return held, [remark] if held != stated else []
    extra = size - header.n_bytes - stated * header.record_bytes
    return stated, [f"{extra} bytes follow the last record and are not read"] if extra else []


def _fill(onsets: list[float | None], length: float) -> list[float]:
    """Let records that do not say when they start follow on the one before."""
    known = next((place for place, onset in enumerate(onsets) if onset is not None), 0)
    expected = (onsets[known] or 0.0) - known * length
    filled = []
    for onset in onsets:
        filled.append(expected if onset is None else onset)
        expected = filled[-1] + length
    return filled


def _record_onsets(
    header: EDFHeader, onsets: list[float | None]
) -> tuple[list[float], float, list[str]]:
    """When records start from the first on, when the first does, and what is odd about it."""
    length = float(header.record_seconds)
    filled, remarks = _fill(onsets, length), []
    unknown = sum(onset is None for onset in onsets)
    if unknown and header.format.endswith(("+C", "+D")):
        remarks = [f"{unknown} of {len(onsets)} records do not say when they start: no gap before"]
    if header.format.endswith("+C") and (np.diff(filled) < length / 2).any():
        filled = [length * number for number in range(len(onsets))]
        remarks = [f"it is {header.format}, and its onsets run backwards: they are ignored"]
    return [onset - filled[0] for onset in filled], filled[0], remarks


def _describe(signal: EDFSignal, record_seconds: Fraction) -> Signal:
    low, high = signal.digital
    span, physical_span = high - low, signal.physical[1] - signal.physical[0]
    rate = signal.samples / record_seconds
    if not (span and physical_span and rate):
        fault = (
            "its digital minimum is its maximum: a dummy"
            if not span
            else "its physical minimum is its maximum: a dummy"
            if not physical_span
            else "it has no samples"
        )
        return Signal(signal.label, signal.unit, rate or Fraction(1), fault=fault)
    gain = physical_span / span
    offset = signal.physical[0] - gain * low
    remark = "inverted gain: as the header's ranges say" if gain < 0 else ""
    return Signal(signal.label, signal.unit, rate, gain, offset, remark=remark)


def _place_annotations(annotations: list[Annotation], first: float) -> tuple[Annotation, ...]:
    placed = [replace(each, onset=each.onset - first) for each in annotations]
    return tuple(sorted(placed, key=lambda each: each.onset))


def open_edf(path: str, limits: Limits) -> EDFSource:
    """Open an EDF, EDF+, BDF or BDF+ file without reading its samples.

    Args:
        path: the file.
        limits: how much it may hold, and how much less than it promises.

    Raises:
        UnreadableRecordingError: if it can't be read; the message says why, and quotes no text.
        OSError: if the file can't be opened.
    """
    refuse_damaged(path)
    header = read_header(path, limits)
    n_records, odd = _count_records(header, os.path.getsize(path), limits)
    stated, annotations = read_annotations(path, header, n_records)
    onsets, first, odd_onsets = _record_onsets(header, stated)
    places = tuple(i for i, signal in enumerate(header.signals) if not signal.is_annotations)
    return EDFSource(
        path=path,
        format=header.format,
        start=header.start and header.start + timedelta(seconds=first),
        signals=tuple(_describe(header.signals[i], header.record_seconds) for i in places),
        stretches=lay_out(onsets, range(n_records), n_records, header.record_seconds),
        annotations=_place_annotations(annotations, first),
        remarks=(*header.remarks, *odd, *odd_onsets),
        header=header,
        places=places,
    )
