"""A folder of recordings in any format that is read, or one of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Any, Literal

from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import protocol_and_path
from hbac.datasets.fingerprint import task_fingerprint
from hbac.formats.limits import Limits
from hbac.formats.open import COMPANIONS, SUFFIXES, is_recording, open_recording
from hbac.formats.recording import RecordingFile

_LOCK = ".hbac.lock"
"""Lies where runs write."""

_MADE = re.compile(r"0[2-8]_\w+")
"""Kedro's layers of what a run makes, which holds EDF and parquet files of its own."""


@dataclass(frozen=True)
class RecordingLoader:
    """Opens one recording when called.

    Attributes:
        path: the file.
        name: its path below the folder of recordings.
        reader: opens a file.
        identify_by: what tells one state of the file from another, ``modified`` or ``content``.
    """

    path: str
    name: str
    reader: Callable[[str], RecordingFile] = field(repr=False)
    identify_by: Literal["modified", "content"] = "modified"

    def __call__(self) -> RecordingFile:
        """Open the recording.

        Raises:
            UnreadableRecordingError: see ``hbac.formats.open_recording``.
        """
        return self.reader(self.path)

    @property
    def counts_by_content(self) -> bool:
        """Whether the file must be read to identify it."""
        return self.identify_by == "content"

    def _files(self) -> list[Path]:
        """The file, and those of its name that hold parts of the recording."""
        path = Path(self.path)
        beside = (path.with_name(name) for name in os.listdir(path.parent))
        parts = [
            each for each in beside if each.stem == path.stem and each.suffix.lower() in COMPANIONS
        ]
        return [path, *sorted(part for part in parts if part != path)]

    @cached_property
    def source_identity(self) -> tuple:
        """What tells this state of the recording, and the way it is read, from others.

        Raises:
            OSError: if the file can't be read.
        """
        reader = task_fingerprint(self.reader)
        states: list[Any] = []
        for file in self._files():
            if self.counts_by_content:
                with open(file, "rb") as opened:
                    states.append(hashlib.file_digest(opened, "blake2b").hexdigest())
            else:
                status = file.stat()
                states.append((status.st_size, status.st_mtime_ns))
        return (self.name, *states, reader)


def _repeated(ids: dict[PurePath, str]) -> list[PurePath]:
    """Files whose id another has; case does not count, since it does not on some file systems."""
    times = Counter(name.casefold() for name in ids.values())
    return [path for path, name in ids.items() if times[name.casefold()] > 1]


def name_recordings(paths: list[PurePath]) -> dict[str, PurePath]:
    """Name files by their stems, and by the folders or the suffix that tell them apart.

    Args:
        paths: below the folder of recordings.

    Returns:
        Paths by id, ordered by path.
    """
    ids = {path: path.stem for path in paths}
    for depth in range(1, max((len(path.parts) for path in paths), default=1)):
        for path in _repeated(ids):
            ids[path] = "_".join((*path.parts[-1 - depth : -1], path.stem))
    for path in _repeated(ids):
        ids[path] += f"_{path.suffix[1:]}"
    for number, path in enumerate(_repeated(ids), start=1):
        ids[path] += f"_{number}"
    return {ids[path]: path for path in sorted(paths)}


class RecordingsDataset(AbstractDataset[None, dict[str, RecordingLoader]]):
    """Recordings of any length and format, in folders of any depth, or in one file.

    Loading returns a callable a recording, which opens it lazily and raises where that can't be
    done. Which files are recordings is told by their suffix, in any case; which format they have,
    by their content. Files that belong to a recording, hidden ones, and what a run of this project
    made are none.

    Args:
        path: a folder or a file of this machine.
        limits: what a file may ask for before it is decoded; see ``hbac.formats.Limits``.
        least_chains: share of the chains' pairs of electrodes that a recording must hold.
        identify_by: what tells one state of a file from another, for what is made from it:
            ``modified`` (size and time of the last change) or ``content`` (a hash).
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        path: str,
        limits: dict[str, Any] | None = None,
        least_chains: float = 0.5,
        identify_by: Literal["modified", "content"] = "modified",
        metadata: dict[str, Any] | None = None,
    ):
        protocol, self._path = protocol_and_path(str(path))
        if protocol not in LocalFileSystem.protocol:
            raise ValueError(
                f"recordings are read from this machine, received {path}: copy them from {protocol}"
            )
        if not 0 < least_chains <= 1:
            raise ValueError(f"least_chains must be above 0 and at most 1, received {least_chains}")
        self._reader = partial(
            open_recording, limits=Limits(**(limits or {})), least_chains=least_chains
        )
        self._identify_by = identify_by
        self.metadata = metadata

    def _list(self) -> tuple[Path, list[PurePath]]:
        """The folder, and the recordings below it."""
        path = Path(self._path)
        if path.is_file():
            return path.parent, [PurePath(path.name)]
        if not path.is_dir():
            raise DatasetError(f"{path} does not exist: it must be a recording or a folder of them")
        found = []
        for folder, folders, names in os.walk(path):
            made = _MADE.fullmatch if _LOCK in names else lambda name: None
            folders[:] = sorted(each for each in folders if not (each[0] == "." or made(each)))
            files = (Path(folder, name) for name in names if not name.startswith("."))
            found += [file.relative_to(path) for file in files if is_recording(file)]
        return path, sorted(found)

    def load(self) -> dict[str, RecordingLoader]:
        """Return a callable for each recording, by id.

        Raises:
            DatasetError: if there is no such file or folder, or no recording in it.
        """
        folder, names = self._list()
        if not names:
            raise DatasetError(
                f"{folder} holds no recording: none of its files ends in {', '.join(SUFFIXES)}"
            )
        return {
            recording: RecordingLoader(
                str(folder / name), name.as_posix(), self._reader, self._identify_by
            )
            for recording, name in name_recordings(names).items()
        }

    def save(self, data: None) -> None:
        """Recordings are never written."""
        raise DatasetError(f"{self._path}: recordings are only read")

    def preview(self, nrows: int = 20) -> TablePreview:
        """Return the first recordings' names and sizes for kedro-viz."""
        loaders = list(self.load().values())
        rows = [[each.name, round(os.path.getsize(each.path) / 2**20, 1)] for each in loaders]
        columns = [f"recording (of {len(loaders)})", "size in MiB"]
        index = list(range(len(rows[:nrows])))
        return TablePreview({"index": index, "columns": columns, "data": rows[:nrows]})

    def _exists(self) -> bool:
        return Path(self._path).exists()

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}
