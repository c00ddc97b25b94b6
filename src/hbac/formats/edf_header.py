"""The header of an EDF or BDF file, read by the standard and no further than it can be trusted.

EDF: Kemp et al. 1992, doi:10.1016/0013-4694(92)90009-7; EDF+: Kemp and Olivan 2003,
doi:10.1016/S1388-2457(03)00123-8; BDF: 24-bit samples, by BioSemi. The fields that name the patient
and the recording are never kept, and no field's text is quoted in an error: in a damaged header
any of them may hold a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from hbac.formats.limits import Limits, UnreadableRecordingError

_FIXED_BYTES = 256
_SIGNAL_BYTES = 256
_SIGNAL_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical minimum": 8,
    "physical maximum": 8,
    "digital minimum": 8,
    "digital maximum": 8,
    "filtering": 80,
    "samples": 8,
    "reserved": 32,
}
ANNOTATION_LABELS = ("EDF Annotations", "BDF Annotations")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_STARTDATE = re.compile(r"Startdate (\d{2})-([A-Z]{3})-(\d{4})", re.IGNORECASE)


@dataclass(frozen=True)
class EDFSignal:
    """What the header says of one signal; ``place`` is its first byte in a record."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    samples: int
    place: int

    @property
    def is_annotations(self) -> bool:
        """Whether it holds annotations in place of samples."""
        return self.label in ANNOTATION_LABELS


@dataclass(frozen=True)
class EDFHeader:
    """What the header says of the file.

    Attributes:
        format: ``EDF``, ``EDF+C``, ``EDF+D``, or the same of BDF.
        sample_bytes: 2 in EDF, 3 in BDF.
        start: date and time to the second; None where they are no date.
        n_bytes: length of the header.
        n_records: as it stands there; -1 where the writer did not know.
        record_seconds: length of a record.
        record_bytes: length of a record in the file.
        signals: in the order of a record, annotations among them.
        remarks: what is odd.
    """

    format: str
    sample_bytes: int
    start: datetime | None
    n_bytes: int
    n_records: int
    record_seconds: Fraction
    record_bytes: int
    signals: tuple[EDFSignal, ...]
    remarks: tuple[str, ...]


def _text(field: bytes) -> str:
    """Decode a field: ASCII by the standard; UTF-8 or Latin-1 in the world."""
    field = field.replace(b"\0", b" ").strip()
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError:
        return field.decode("latin-1")


def _number(field: bytes, name: str) -> Fraction:
    try:
        return Fraction(_text(field).replace(",", "."))
    except (ValueError, ZeroDivisionError):
        raise UnreadableRecordingError(
            f"the header holds no number where it must state the {name}"
        ) from None


def _whole(field: bytes, name: str) -> int:
    number = _number(field, name)
    if number.denominator != 1:
        raise UnreadableRecordingError(f"the {name} must be a whole number, it is {float(number)}")
    return int(number)


def _date(date: str, recording: str) -> tuple[int, int, int] | None:
    """Year, month and day; the four digits of EDF+ where they agree with the two of EDF."""
    parts = re.fullmatch(r"(\d{1,2})[.\-/: ](\d{1,2})[.\-/: ](\d{2})", date)
    if parts is None:
        return None
    day, month, year = map(int, parts.groups())
    full = _STARTDATE.search(recording)
    if full and full[2].upper() in _MONTHS:
        stated = int(full[1]), _MONTHS.index(full[2].upper()) + 1, int(full[3]) % 100
        if stated == (day, month, year):
            return int(full[3]), month, day
    return year + (1900 if year >= 85 else 2000), month, day


def _start(fixed: bytes) -> tuple[datetime | None, list[str]]:
    """When the recording starts, and what is odd about it."""
    day = _date(_text(fixed[168:176]), _text(fixed[88:168]))
    time = re.fullmatch(r"(\d{1,2})[.:\- ](\d{1,2})[.:\- ](\d{1,2})", _text(fixed[176:184]))
    try:
        start = datetime(*day, *map(int, time.groups()))
    except (TypeError, ValueError, AttributeError):
        return None, ["the header's date and time are none: the recording's start is not known"]
    if start > datetime.now():
        return start, [f"the header's date lies in the future ({start.year}): dates were shifted"]
    return start, []


def _signals(block: bytes, n: int, sample_bytes: int) -> tuple[EDFSignal, ...]:
    columns, begin = {}, 0
    for name, width in _SIGNAL_FIELDS.items():
        stop = begin + n * width
        columns[name] = [block[at : at + width] for at in range(begin, stop, width)]
        begin = stop
    signals, place = [], 0
    for index in range(n):
        fields = {name: column[index] for name, column in columns.items()}
        samples = _whole(fields["samples"], f"samples a record of signal {index + 1}")
        if samples < 0:
            raise UnreadableRecordingError(f"signal {index + 1} has {samples} samples a record")
        signals.append(_signal(fields, index, samples, place))
        place += samples * sample_bytes
    return tuple(signals)


def _signal(fields: dict[str, bytes], index: int, samples: int, place: int) -> EDFSignal:
    label = _text(fields["label"])
    limits = (0.0, 0.0, 0.0, 0.0)
    if label not in ANNOTATION_LABELS:
        names = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
        numbers = (_number(fields[name], f"{name} of signal {index + 1}") for name in names)
        limits = tuple(map(float, numbers))
    return EDFSignal(label, _text(fields["unit"]), limits[:2], limits[2:], samples, place)


def _format(fixed: bytes) -> tuple[str, int]:
    name, sample_bytes = ("BDF", 3) if fixed[:1] == b"\xff" else ("EDF", 2)
    reserved = _text(fixed[192:236]).upper()
    kind = next((kind for kind in ("+C", "+D") if reserved.startswith(name + kind)), "")
    return name + kind, sample_bytes


def read_header(path: str, limits: Limits) -> EDFHeader:
    """Read the header of an EDF or BDF file.

    Args:
        path: the file.
        limits: how many signals it may have.

    Raises:
        UnreadableRecordingError: if it can't be one; the message quotes no text of the file.
        OSError: if the file can't be opened.
    """
    with open(path, "rb") as file:
        fixed = file.read(_FIXED_BYTES)
        if len(fixed) < _FIXED_BYTES:
            raise UnreadableRecordingError(
                f"it holds {len(fixed)} bytes, fewer than the {_FIXED_BYTES} a header begins with"
            )
        n = _whole(fixed[252:256], "number of signals")
        if not 0 < n <= limits.most_channels:
            raise UnreadableRecordingError(
                f"its header states {n} signals; at least 1 and at most "
                f"most_channels = {limits.most_channels} are read"
            )
        block = file.read(n * _SIGNAL_BYTES)
    if len(block) < n * _SIGNAL_BYTES:
        raise UnreadableRecordingError(f"it ends within the header of its {n} signals")
    return _header(fixed, block, n)


def _header(fixed: bytes, block: bytes, n: int) -> EDFHeader:
    name, sample_bytes = _format(fixed)
    start, remarks = _start(fixed)
    n_bytes = _FIXED_BYTES + n * _SIGNAL_BYTES
    stated = _whole(fixed[184:192], "length of the header")
    if stated != n_bytes:
        remarks.append(
            f"the header states its length as {stated} bytes; {n} signals take {n_bytes}"
        )
    record_seconds = _number(fixed[244:252], "length of a record")
    if record_seconds < 0:
        raise UnreadableRecordingError(f"a record lasts {float(record_seconds):g} s")
    signals = _signals(block, n, sample_bytes)
    return EDFHeader(
        format=name,
        sample_bytes=sample_bytes,
        start=start,
        n_bytes=n_bytes,
        n_records=_whole(fixed[236:244], "number of records"),
        record_seconds=record_seconds,
        record_bytes=sum(signal.samples for signal in signals) * sample_bytes,
        signals=signals,
        remarks=tuple(remarks),
    )
