"""BrainVision and Nihon Kohden files, whose samples mne reads, on the clock that they hold.

mne closes the gaps of both up. BrainVision dates each segment in its markers, Nihon Kohden in the
head of each block of samples.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from io import StringIO
from itertools import accumulate, pairwise
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from hbac.formats.clock import lay_out
from hbac.formats.limits import UnreadableRecordingError
from hbac.formats.source import Annotation, Signal, Source, Stretch
from hbac.formats.units import microvolts

if TYPE_CHECKING:
    from mne.io import BaseRaw

_NO_REMARKS = ("BAD boundary", "EDGE boundary", "New Segment/")
_NEW_SEGMENT = re.compile(rb"^Mk\d+=New Segment,[^,]*,(\d+),\d+,-?\d+,(\d{20})\s*$", re.MULTILINE)
_COMPANION = rb"^%s\s*=\s*(.*?)\s*$"
_FIRST_DATE = 0x14
"""Where the head of a block of Nihon Kohden holds its date, six bytes of two decimal digits."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Have mne print and warn nothing: what it says may quote a header."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        yield


def _companion(path: str, key: str, suffix: str) -> tuple[str, Path | None]:
    """What a BrainVision header names under a key, and the file: that, or one of its own name."""
    pattern = re.compile(_COMPANION % key.encode(), re.MULTILINE)
    found = pattern.search(Path(path).read_bytes())
    stated = found[1].decode("utf-8", "replace").replace("$b", Path(path).stem) if found else ""
    names = (PureWindowsPath(stated).name, Path(path).with_suffix(suffix).name)
    names = (*names, Path(path).with_suffix(suffix.upper()).name)
    files = (Path(path).with_name(name) for name in names if name)
    return stated, next((file for file in files if file.is_file()), None)


def _samples(path: str) -> tuple[str, Path | None]:
    return _companion(path, "DataFile", ".eeg")


def _markers(path: str) -> tuple[str, Path | None]:
    return _companion(path, "MarkerFile", ".vmrk")


def _open_header(path: str) -> BaseRaw:
    """Open a BrainVision header, whose suffix mne wants in lower case, beside files that it names.

    Files that were renamed together keep the header's old name inside.
    """
    from mne.io import read_raw_brainvision

    parts = {"data_fname": _samples(path), "marker_fname": _markers(path)}
    if path.endswith(".vhdr") and all(file and file.name == name for name, file in parts.values()):
        return read_raw_brainvision(path, preload=False, verbose="error")
    overrides = {key: str(file.absolute()) if file else False for key, (_, file) in parts.items()}
    with TemporaryDirectory() as folder:
        header = shutil.copyfile(path, Path(folder, "header.vhdr"))
        return read_raw_brainvision(header, overrides=overrides, preload=False, verbose="error")


def _open_blocks(path: str) -> BaseRaw:
    from mne.io import read_raw_nihon

    return read_raw_nihon(path, preload=False, verbose="error")


_READERS = {"BrainVision": _open_header, "Nihon Kohden": _open_blocks}
"""Each imports mne where it is called: that takes half a second, and most recordings do without."""


@lru_cache(maxsize=2)
def _raw(format_name: str, path: str, changed: int) -> BaseRaw:
    with _quiet():
        return _READERS[format_name](path)


@dataclass(frozen=True)
class MNESource(Source):
    """A file that mne reads.

    Attributes:
        borders: first sample of each part that is read by itself, and the number of samples.
        changed: when the file last changed, so that no old state of it is read.
    """

    borders: tuple[int, ...]
    changed: int

    def read(self, signals: list[int], first: int, last: int) -> np.ndarray:
        """See ``Source.read``; voltages are volts."""
        raw = _raw(self.format, self.path, self.changed)
        values = np.empty((len(signals), last - first), np.float32)
        # mne 1.13 misreads parts of Nihon Kohden files that reach from one block to the next.
        for begin, end in pairwise(self.borders):
            known = max(first, begin), min(last, end)
            if known[0] < known[1]:
                part = raw.get_data(signals, *known, verbose="error")
                values[:, known[0] - first : known[1] - first] = part
        return values


def _signals(raw: BaseRaw) -> tuple[Signal, ...]:
    """What the file holds; mne gives volts of all that has a unit of voltage."""
    rate = Fraction(raw.info["sfreq"]).limit_denominator(10**6)
    found = []
    for name in raw.ch_names:
        unit = raw._orig_units.get(name, "µV")
        per_volt = microvolts(unit)
        found.append(Signal(name, unit, rate, gain=1e6 / per_volt if per_volt else 1.0))
    return tuple(found)


def _annotations(raw: BaseRaw, stretches: tuple[Stretch, ...]) -> tuple[Annotation, ...]:
    """What the file remarks, moved from the file's own time to the true clock."""
    placed = []
    for each in raw.annotations:
        if each["description"] in _NO_REMARKS:
            continue
        stretch = next(
            (part for part in reversed(stretches) if float(part.first) <= each["onset"]),
            stretches[0],
        )
        onset = stretch.start + each["onset"] - float(stretch.first)
        text = str(each["description"])
        placed.append(Annotation(float(onset), float(each["duration"]), text))
    return tuple(placed)


def _segments(path: str) -> tuple[list[int], list[datetime]]:
    """First sample and moment of each segment that the markers of a BrainVision file date."""
    _, markers = _markers(path)
    found = _NEW_SEGMENT.findall(markers.read_bytes()) if markers else []
    places = [int(place) - 1 for place, _ in found]
    try:
        dates = [datetime.strptime(date.decode(), "%Y%m%d%H%M%S%f") for _, date in found]
    except ValueError:
        dates = []
    return (places, dates) if dates and places[0] == 0 else ([0], [])


def _data_blocks(raw: BaseRaw) -> list[dict]:
    return raw._raw_extras[0]["header"]["controlblocks"][0]["datablocks"]


def _block_places(raw: BaseRaw) -> list[int]:
    """First sample of each block of a Nihon Kohden file."""
    lengths = [int(block["n_samples"]) for block in _data_blocks(raw)]
    return [0, *accumulate(lengths[:-1])]


def _block_dates(raw: BaseRaw, path: str) -> list[datetime]:
    """When each block of a Nihon Kohden file starts.

    Raises:
        ValueError: if a block holds no date.
    """
    dates = []
    with open(path, "rb") as file:
        for block in _data_blocks(raw):
            file.seek(int(block["address"]) + _FIRST_DATE)
            year, *rest = (int(f"{byte:02x}") for byte in file.read(6))
            dates.append(datetime(2000 + year, *rest))
    return dates


def _check_blocks(raw: BaseRaw, path: str) -> None:
    """Refuse a Nihon Kohden file whose blocks reach beyond its end."""
    size = os.path.getsize(path)
    for number, block in enumerate(_data_blocks(raw), start=1):
        head = int(block["address"]) + 0x27 + 10 * int(block["n_channels"])
        end = head + 2 * int(block["n_samples"]) * (int(block["n_channels"]) + 1)
        if end > size:
            raise UnreadableRecordingError(
                f"its block {number} would end at byte {end}, and it holds {size}: it was cut off"
            )


def _stretches(raw: BaseRaw, places: list[int], dates: list[datetime]) -> tuple[Stretch, ...]:
    rate = Fraction(raw.info["sfreq"]).limit_denominator(10**6)
    onsets = [(date - dates[0]).total_seconds() for date in dates] or [0.0]
    return lay_out(onsets, places if dates else [0], raw.n_times, 1 / rate, part="segment")


def _source(
    raw: BaseRaw,
    path: str,
    *,
    format_name: str,
    segments: tuple[list[int], list[datetime]],
    remarks: tuple[str, ...] = (),
) -> MNESource:
    if not raw.n_times:
        raise UnreadableRecordingError("it holds no data")
    places, dates = segments
    stretches = _stretches(raw, places, dates)
    start = dates[0] if dates else raw.info["meas_date"]
    return MNESource(
        path=path,
        format=format_name,
        start=start and start.replace(tzinfo=None),
        signals=_signals(raw),
        stretches=stretches,
        annotations=_annotations(raw, stretches),
        remarks=remarks,
        borders=(*places, raw.n_times),
        changed=os.stat(path).st_mtime_ns,
    )


def open_brainvision(path: str) -> MNESource:
    """Open a BrainVision recording by its header, beside which its data and markers lie.

    Args:
        path: the header, a ``.vhdr`` file.

    Raises:
        UnreadableRecordingError: if it lacks its samples, or holds none, or segments that run
            backwards.
    """
    if _samples(path)[1] is None:
        raise UnreadableRecordingError("the file of its samples, DataFile, does not lie beside it")
    name = "BrainVision"
    raw = _raw(name, path, os.stat(path).st_mtime_ns)
    return _source(raw, path, format_name=name, segments=_segments(path))


def open_nihon_kohden(path: str) -> MNESource:
    """Open a Nihon Kohden recording by its data file.

    Args:
        path: the data, an ``.EEG`` file, beside which ``.21E``, ``.PNT`` and ``.LOG`` may lie.

    Raises:
        UnreadableRecordingError: if it was cut off, or holds no data.
    """
    name = "Nihon Kohden"
    raw = _raw(name, path, os.stat(path).st_mtime_ns)
    _check_blocks(raw, path)
    remarks = []
    if not Path(path).with_suffix(".21E").exists():
        remarks.append("no .21E file lies beside it: channels are named by the amplifier's order")
    try:
        dates = _block_dates(raw, path)
    except ValueError:
        dates = []
        remarks.append("its blocks hold no dates: no gap is assumed")
    segments = _block_places(raw), dates
    return _source(raw, path, format_name=name, segments=segments, remarks=tuple(remarks))
