"""Persyst recordings: a layout (``.lay``) in sections of ``key=value``, and samples beside it.

A reader of our own, since mne 1.13 leaves ``SampleTimes`` out, which tell the gaps, takes channels
by their order for their number, and wants a birth date.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path, PureWindowsPath

import numpy as np

from hbac.formats.clock import lay_out
from hbac.formats.limits import UnreadableRecordingError
from hbac.formats.source import Annotation, Signal, Source, Stretch

_TYPES = {"0": "<i2", "7": "<i4"}
_DATES = ("%m/%d/%Y", "%d-%m-%Y", "%Y.%m.%d", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y")
_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class PersystSource(Source):
    """A Persyst recording.

    Attributes:
        data: file of the samples.
        dtype: how a sample is stored.
        columns: of each signal, its place among those of the data.
        n_columns: signals of the data.
    """

    data: str
    dtype: str
    columns: tuple[int, ...]
    n_columns: int

    def read(self, signals: list[int], first: int, last: int) -> np.ndarray:
        """See ``Source.read``."""
        width = np.dtype(self.dtype).itemsize * self.n_columns
        count = (last - first) * self.n_columns
        stored = np.fromfile(self.data, self.dtype, count=count, offset=first * width)
        if stored.size < count:
            raise OSError(f"{self.data} has become shorter since it was opened")
        samples = stored.reshape(-1, self.n_columns)
        return samples[:, [self.columns[index] for index in signals]].T.astype(np.float32)


def _sections(path: str) -> dict[str, list[str]]:
    """Lines of the layout by section, in lower case."""
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            lines = sections.setdefault(line[1:-1].strip().lower(), [])
        elif line and not line.startswith(";"):
            lines.append(line)
    return sections


def _values(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _stated(info: dict[str, str], key: str) -> str:
    if key not in info:
        raise UnreadableRecordingError(f"its layout does not state {key}")
    return info[key]


def _number(info: dict[str, str], key: str) -> Fraction:
    stated = _stated(info, key)
    try:
        number = Fraction(stated)
    except ValueError:
        number = Fraction(0)
    if number <= 0:
        raise UnreadableRecordingError(f"its layout states no number above 0 as {key}")
    return number


def _data_file(path: str, info: dict[str, str]) -> Path:
    """The samples beside the layout, whatever folder they once lay in."""
    name = PureWindowsPath(_stated(info, "file")).name
    for candidate in (name, f"{Path(path).stem}.dat", f"{Path(path).stem}.DAT"):
        if Path(path).with_name(candidate).is_file():
            return Path(path).with_name(candidate)
    raise UnreadableRecordingError("the file of its samples, .dat, does not lie beside it")


def _start(patient: dict[str, str]) -> datetime | None:
    """Date and time of the test, all that is read of the section on the patient."""
    moment = f"{patient.get('testdate', '')} {patient.get('testtime', '')}"
    for date in _DATES:
        try:
            return datetime.strptime(moment, f"{date} %H:%M:%S")
        except ValueError:
            continue
    return None


def _onsets(lines: list[str]) -> tuple[list[int], list[float]]:
    """Samples whose time is stated, and these times, which may pass midnight."""
    places, times = [0], [0.0]
    try:
        stated = sorted((int(key), float(value)) for key, value in _values(lines).items())
    except ValueError:
        raise UnreadableRecordingError("its SampleTimes hold what is no number") from None
    for place, time in stated:
        if place > 0:
            while time < times[-1] and times[-1] - time > _DAY_SECONDS / 2:
                time += _DAY_SECONDS
            places.append(place)
            times.append(time)
        else:
            times[0] = time
    return places, [time - times[0] for time in times]


def _comments(lines: list[str]) -> tuple[Annotation, ...]:
    found = []
    for line in lines:
        fields = line.split(",", 4)
        try:
            found.append(Annotation(float(fields[0]), float(fields[1]), fields[4]))
        except (ValueError, IndexError):
            continue
    return tuple(sorted(found, key=lambda each: each.onset))


def _columns(lines: list[str], n_columns: int) -> dict[str, int]:
    """Place of each channel among those of the data, by label."""
    columns = {}
    for label, number in _values(lines).items():
        if not number.isdigit() or not 1 <= int(number) <= n_columns:
            raise UnreadableRecordingError(
                f"its layout numbers a channel beyond the {n_columns} that there are"
            )
        columns[label] = int(number) - 1
    if len(columns) != n_columns:
        raise UnreadableRecordingError(
            f"its layout names {len(columns)} channels and states {n_columns}"
        )
    return columns


def _stretches(lines: list[str], n_samples: int, rate: Fraction) -> tuple[Stretch, ...]:
    places, onsets = _onsets(lines)
    known = [place for place in places if place < n_samples]
    return lay_out(onsets[: len(known)], known, n_samples, 1 / rate, part="stretch")


def open_persyst(path: str) -> PersystSource:
    """Open a Persyst recording by its layout.

    Args:
        path: the layout, a ``.lay`` file; the samples lie beside it.

    Raises:
        UnreadableRecordingError: if the layout or the samples can't be used.
    """
    sections = _sections(path)
    info = {key.lower(): value for key, value in _values(sections.get("fileinfo", [])).items()}
    patient = {key.lower(): value for key, value in _values(sections.get("patient", [])).items()}
    n_columns, rate = int(_number(info, "waveformcount")), _number(info, "samplingrate")
    dtype = _TYPES.get(info.get("datatype", "0"))
    if dtype is None:
        raise UnreadableRecordingError("its layout states a datatype other than 0 and 7")
    data = _data_file(path, info)
    n_samples, rest = divmod(os.path.getsize(data), np.dtype(dtype).itemsize * n_columns)
    if not n_samples:
        raise UnreadableRecordingError("it holds no data: its .dat file is empty")
    columns = _columns(sections.get("channelmap", []), n_columns)
    gain = float(_number(info, "calibration"))
    return PersystSource(
        path=path,
        format="Persyst",
        start=_start(patient),
        signals=tuple(Signal(label, "uV", rate, gain) for label in columns),
        stretches=_stretches(sections.get("sampletimes", []), n_samples, rate),
        annotations=_comments(sections.get("comments", [])),
        remarks=(f"{rest} bytes follow the last sample and are not read",) if rest else (),
        data=str(data),
        dtype=dtype,
        columns=tuple(columns.values()),
        n_columns=n_columns,
    )
