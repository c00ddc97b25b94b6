"""Any file that holds a recording, opened by what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hbac.formats.choose import Choice, choose
from hbac.formats.edf import open_edf
from hbac.formats.limits import Limits, UnreadableRecordingError
from hbac.formats.names import EKG
from hbac.formats.parquet import open_parquet
from hbac.formats.recording import RecordingFile
from hbac.formats.scale import find_scales, unit_names
from hbac.formats.source import Source

_N_HEAD = 256


def _opener(head: bytes) -> Callable[[str, Limits], Source] | None:
    """What opens a file that begins so."""
    if head.startswith(b"\xff" + b"BIOSEMI") or (
        head.startswith(b"0") and not head[1:8].strip(b" \0")
    ):
        return open_edf
    if head.startswith(b"PAR1"):
        return open_parquet
    return None


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Put the file's path before whatever is wrong with it.

    A reader's own message may quote a header and so a name; only ours is passed on.
    """
    try:
        yield
    except UnreadableRecordingError as error:
        raise UnreadableRecordingError(f"{path}: {error}") from None
    except OSError:
        raise
    except Exception as error:
        raise UnreadableRecordingError(
            f"{path} can't be read: {type(error).__name__}. If it was cut off or damaged, copy it "
            "or export it again"
        ) from None


def _open_source(path: str, limits: Limits) -> Source:
    with open(path, "rb") as file:
        head = file.read(_N_HEAD)
    if not head:
        raise UnreadableRecordingError("it is empty")
    opener = _opener(head)
    if opener is None:
        raise UnreadableRecordingError("it is no recording in a format that is read")
    return opener(path, limits)


def _choose(source: Source, least_chains: float) -> Choice:
    try:
        return choose(source.signals, least_chains=least_chains)
    except ValueError as error:
        raise UnreadableRecordingError(str(error)) from error


def open_recording(
    path: str | os.PathLike[str], *, limits: Limits | None = None, least_chains: float = 0.5
) -> RecordingFile:
    """Open a recording of any format, without reading more of it than tells what it holds.

    Args:
        path: the file.
        limits: what it may ask for before it is decoded; None for ``Limits()``.
        least_chains: share of the chains' 16 pairs of electrodes that it must hold.

    Raises:
        UnreadableRecordingError: if it is no recording, holds no data, lacks too many electrodes
            or goes beyond the limits. The message names the file and the fault, and quotes nothing
            that could name the patient.
        OSError: if the file can't be opened.
    """
    name = str(Path(path))
    with _naming(name):
        source = _open_source(name, limits or Limits())
        choice = _choose(source, least_chains)
        try:
            factors, remarks = find_scales(source, choice)
        except ValueError as error:
            raise UnreadableRecordingError(str(error)) from error
        if EKG not in factors:
            picks = {channel: pick for channel, pick in choice.picks.items() if channel != EKG}
            choice = Choice(choice.montage, choice.reference, picks, choice.remarks)
    return RecordingFile(source, choice, factors, unit_names(factors), remarks)
