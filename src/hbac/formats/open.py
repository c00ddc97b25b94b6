"""Any file that holds a recording, opened by what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from hbac.formats.choose import choose, lacking_chains, require_chains
from hbac.formats.edf import open_edf
from hbac.formats.limits import Limits, UnreadableRecordingError
from hbac.formats.parquet import open_parquet
from hbac.formats.persyst import open_persyst
from hbac.formats.recording import RecordingFile
from hbac.formats.scale import find_scales
from hbac.formats.source import Source
from hbac.formats.through_mne import open_brainvision, open_nihon_kohden

Opener = Callable[[str], Source]

SUFFIXES = (".edf", ".bdf", ".parquet", ".vhdr", ".lay", ".eeg")
"""Of files that are recordings, in any case; an ``.eeg`` is one where Nihon Kohden wrote it."""

COMPANIONS = {
    ".eeg": (".vhdr",),
    ".vmrk": (".vhdr",),
    ".dat": (".lay", ".vhdr"),
    ".21e": (".eeg",),
    ".pnt": (".eeg",),
    ".log": (".eeg",),
}
"""Files that lie beside a recording and hold a part of it, and the suffixes of the one to name."""

_N_HEAD = 4096
_NIHON_KOHDEN = (b"EEG-1100", b"EEG-1200", b"EEG-2100", b"QI-403A", b"DAE-2100")
# In lower case.
_OTHERS = {
    b"pk\x03\x04": "a zip archive: unpack it",
    b"\x1f\x8b": "compressed by gzip: unpack it",
    b"version https://git-lfs": "a pointer of Git LFS: `git lfs pull` fetches the file itself",
    b"<!doctype": "a web page, as a download without a login leaves: download the file again",
    b"<html": "a web page, as a download without a login leaves: download the file again",
}


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_N_HEAD)


def _opener(head: bytes, limits: Limits) -> Opener | None:
    """What opens a file that begins so; what its name says does not count."""
    is_edf = head.startswith(b"0") and not head[1:8].strip(b" \0")
    if is_edf or head[1:].startswith(b"BIOSEMI"):
        return partial(open_edf, limits=limits)
    if head.startswith(b"PAR1"):
        return partial(open_parquet, limits=limits)
    if head.startswith(_NIHON_KOHDEN):
        return open_nihon_kohden
    first_line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n")[0].lower()
    if first_line.startswith((b"brain vision", b"brainvision")) and b"header" in first_line:
        return open_brainvision
    if b"[fileinfo]" in head.lower() and b"\0" not in head:
        return open_persyst
    return None


def is_recording(path: str | os.PathLike[str]) -> bool:
    """Whether a file in a folder is a recording, as far as its name tells.

    Args:
        path: the file. Only one in ``.eeg``, which two makers write, is looked into.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".eeg":
        return _head(str(path)).startswith(_NIHON_KOHDEN)
    return suffix in SUFFIXES


def _no_recording(path: str, head: bytes) -> UnreadableRecordingError:
    """The error for a file whose content is of no format that is read."""
    if not head:
        return UnreadableRecordingError("it is empty")
    begin = head.lower()
    for first, what in _OTHERS.items():
        if begin.startswith(first):
            return UnreadableRecordingError(f"it is {what}")
    if head.startswith(b"\xef\xbf\xbdBIOSEMI"):
        return UnreadableRecordingError(
            "it begins with the replacement character U+FFFD: a program converted this binary file "
            "as if it were text, and the samples are lost; take the original"
        )
    for suffix in COMPANIONS.get(Path(path).suffix.lower(), ()):
        for whole in (Path(path).with_suffix(suffix), Path(path).with_suffix(suffix.upper())):
            if whole.is_file() and whole != Path(path):
                return UnreadableRecordingError(f"it belongs to {whole.name}: name that file")
    return UnreadableRecordingError(
        "its content is of no format that is read: EDF, EDF+, BDF, BDF+, parquet, BrainVision "
        "(.vhdr), Nihon Kohden (.EEG) and Persyst (.lay) are"
    )


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Put the file's path before whatever is wrong with it.

    A reader's own message may quote a header, and so a name; only ours is passed on.
    """
    try:
        yield
    except UnreadableRecordingError as error:
        raise UnreadableRecordingError(f"{path}: {error}") from None
    except OSError:
        raise
    except Exception as error:
        raise UnreadableRecordingError(
            f"{path}: it can't be read ({type(error).__name__}). If it was cut off or damaged, "
            "copy it or export it again"
        ) from None


def _open_source(path: str, limits: Limits) -> Source:
    head = _head(path)
    opener = _opener(head, limits)
    if opener is None:
        raise _no_recording(path, head)
    source = opener(path)
    limits.check(len(source.signals), source.duration)
    return source


def _recording(source: Source, least_chains: float) -> RecordingFile:
    """The recording that a file holds, in microvolts."""
    choice = choose(source.signals)
    require_chains(choice, source.signals, least_chains=least_chains)
    factors, remarks = find_scales(source, choice)
    kept = choice.only(factors)
    kept = replace(kept, remarks=(*choice.remarks, *remarks, *lacking_chains(kept)))
    require_chains(kept, source.signals, least_chains=least_chains)
    return RecordingFile(source, kept, factors)


def open_recording(
    path: str | os.PathLike[str], *, limits: Limits | None = None, least_chains: float = 0.5
) -> RecordingFile:
    """Open a recording of any format, reading no more of it than tells what it holds.

    Args:
        path: the file; what it holds tells its format, whatever its name.
        limits: what it may ask for before it is decoded; None for ``Limits()``.
        least_chains: share of the chains' 16 pairs of electrodes that it must hold.

    Raises:
        UnreadableRecordingError: if it is no recording, holds no data, lacks too many electrodes
            or goes beyond the limits. The message names the file and the fault, and quotes nothing
            that could name the patient.
        OSError: if the file can't be opened.
    """
    name = os.fspath(path)
    with _naming(name):
        return _recording(_open_source(name, limits or Limits()), least_chains)
