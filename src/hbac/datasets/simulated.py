"""What in a raw_dir hbac has simulated, and what somebody else has put there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from upath import UPath

from hbac.datasets.text import TextDataset

MARK = ".simulated-by-hbac"
TABLES = ("train.csv", "test.csv")
FOLDERS = ("train_eegs", "train_spectrograms", "test_eegs", "test_spectrograms")


def _read(raw_dir: UPath) -> dict[str, dict[str, Any]]:
    """The mark's tables and files; empty where it cannot be read."""
    try:
        mark = json.loads((raw_dir / MARK).read_text())
        return {"tables": dict(mark["tables"]), "files": dict(mark["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"tables": {}, "files": {}}


def _write(raw_dir: UPath, mark: dict[str, dict[str, Any]]) -> None:
    if _read(raw_dir) != mark or not (raw_dir / MARK).exists():
        (raw_dir / MARK).write_text(json.dumps(mark) + "\n")


def _digest(file: UPath) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sizes(folder: UPath) -> dict[str, int]:
    """Name and size of each visible file; none where there is no folder."""
    folder.fs.invalidate_cache()
    if not folder.is_dir():
        return {}
    entries = folder.fs.ls(folder.path, detail=True)
    sizes = {entry["name"].rstrip("/").rpartition("/")[2]: entry["size"] for entry in entries}
    return {name: size for name, size in sizes.items() if not name.startswith(".")}


def _made(folder: UPath) -> set[str]:
    """Partitions that runs have written to a folder, by what it says itself."""
    from hbac.datasets.manifest import Manifest

    return set(Manifest(folder.fs, folder.path).fingerprints())


def begin(raw_dir: UPath) -> None:
    """Mark a folder that a simulation may write to."""
    _write(raw_dir, _read(raw_dir))


def forget_files(raw_dir: UPath) -> None:
    """Forget the sizes of recordings, some of which are about to be written anew."""
    _write(raw_dir, _read(raw_dir) | {"files": {}})


def note_table(raw_dir: UPath, name: str) -> None:
    """Note what a simulation has just written to a table."""
    mark = _read(raw_dir)
    mark["tables"][name] = _digest(raw_dir / name)
    _write(raw_dir, mark)


def note_files(raw_dir: UPath) -> None:
    """Note what a simulation has left behind."""
    sizes = {
        f"{folder}/{name}": size
        for folder in FOLDERS
        for name, size in _sizes(raw_dir / folder).items()
    }
    _write(raw_dir, _read(raw_dir) | {"files": sizes})


def foreign_files(raw_dir: UPath) -> list[str]:
    """Files of a data set that no simulation of hbac left as they are.

    A table is known by its content; a recording by what its folder says that it was made from,
    and by its size.

    Args:
        raw_dir: the data set's folder, marked or not.

    Returns:
        Their names, relative to the folder.
    """
    mark = _read(raw_dir)
    tables = [name for name in TABLES if (raw_dir / name).exists()]
    found = [name for name in tables if mark["tables"].get(name) != _digest(raw_dir / name)]
    for folder in FOLDERS:
        path = raw_dir / folder
        made = _made(path)
        for name, size in _sizes(path).items():
            known = mark["files"].get(f"{folder}/{name}", size) == size
            if name.rpartition(".")[0] not in made or not known:
                found.append(f"{folder}/{name}")
    return found


class SimulationMarkDataset(TextDataset):
    """The mark of a folder that hbac has simulated; it is there while what it speaks of is."""

    def _exists(self) -> bool:
        here = self._protocol in ("file", "local")
        path = UPath(self._filepath if here else f"{self._protocol}://{self._filepath}")
        return super()._exists() and not foreign_files(path.parent)
