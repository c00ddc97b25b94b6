"""Where data lies: folders and files on this machine or behind any fsspec URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from upath import UPath


def _plain(path: UPath) -> UPath:
    """The same place, named as a path without ``file://`` where it is on this machine."""
    return UPath(path.path) if path.protocol in ("file", "local") else path


def location(path: str | Path, root: Path) -> UPath:
    """Resolve a URL, or a path that is absolute or relative to ``root``."""
    return _plain(UPath(path if "://" in str(path) else Path(root, path))).resolve()


def location_of(dataset: Any) -> UPath | None:
    """Where a dataset reads and writes, or None where it does not do so at one place."""
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
    if path is None:
        return None
    protocol = getattr(dataset, "_protocol", "file")
    return UPath(str(path)) if protocol == "file" else UPath(f"{protocol}://{path}")


def make_folder(folder: UPath) -> None:
    """Make a folder of this machine; object stores have none, and a bucket is not made by accident.

    Args:
        folder: where to write to.
    """
    if isinstance(folder, os.PathLike):
        folder.mkdir(parents=True, exist_ok=True)


def is_inside(path: UPath, folder: UPath) -> bool:
    """Whether a path lies in a folder, links seen through."""
    path, folder = UPath(path), UPath(folder)
    return path.protocol == folder.protocol and path.resolve().is_relative_to(folder)


class Folders(NamedTuple):
    """Where a run reads and writes.

    Attributes:
        raw_dir: the data set.
        data_dir: what is made from it.
        models_dir: the networks among that, or those of another run.
    """

    raw_dir: UPath
    data_dir: UPath
    models_dir: UPath


def data_folders(context: Any) -> Folders:
    """Find out where a run reads and writes."""
    loader, root = context.config_loader, Path(context.project_path)
    settings = loader["globals"] | (loader.runtime_params or {})
    raw_dir, data_dir = (location(settings[name], root) for name in ("raw_dir", "data_dir"))
    models_dir = settings.get("models_dir")
    return Folders(
        raw_dir, data_dir, location(models_dir, root) if models_dir else data_dir / "06_models"
    )
