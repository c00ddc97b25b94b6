"""Whose a folder is: the data set that a data_dir, or the networks of a models_dir, come from."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, NamedTuple

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from upath import UPath

from hbac.datasets import simulated
from hbac.hooks.command import Call
from hbac.hooks.location import Folders, data_folders, is_inside, location_of, make_folder
from hbac.hooks.refusal import GuardError

OWNER_MARK = ".hbac-raw-dir.json"

_BYTES_READ = 2**16


def _relative(raw_dir: UPath, folder: UPath) -> str | None:
    """The way from a folder to the raw data, where both lie on this machine."""
    if not isinstance(raw_dir, os.PathLike) or not isinstance(folder, os.PathLike):
        return None
    return os.path.relpath(raw_dir, folder)


def identity_of(raw_dir: UPath) -> str | None:
    """What tells a data set from another, wherever it lies; None where there is no table.

    A hash of its tables of labels and recordings, and of how the first EEG of each split begins.
    """
    digest = hashlib.sha256()
    tables = [raw_dir / name for name in simulated.TABLES if (raw_dir / name).exists()]
    for table in tables:
        digest.update(table.read_bytes())
    for folder in (raw_dir / "train_eegs", raw_dir / "test_eegs"):
        names = (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
        first = min((name for name in names if not name.startswith(".")), default=None)
        if first is not None:
            digest.update(folder.fs.cat_file(f"{folder.path}/{first}", end=_BYTES_READ))
    return digest.hexdigest() if tables else None


class Owner(NamedTuple):
    """The data set that a folder belongs to.

    Attributes:
        raw_dir: where it lay.
        relative: the way there from the folder, or None where there is none.
        identity: what it was, or None where it was not there yet.
    """

    raw_dir: str
    relative: str | None = None
    identity: str | None = None

    @classmethod
    def of(cls, raw_dir: UPath, folder: UPath) -> Owner:
        """The mark that a folder gets."""
        return cls(str(raw_dir), _relative(raw_dir, folder), identity_of(raw_dir))

    @classmethod
    def read(cls, folder: UPath) -> Owner | None:
        """The mark that a folder has, if any.

        Raises:
            GuardError: if it can't be read.
        """
        mark = folder / OWNER_MARK
        if not mark.exists():
            return None
        try:
            known = json.loads(mark.read_text())
            return cls(**{name: known[name] for name in cls._fields if name in known})
        except (ValueError, TypeError) as error:
            raise GuardError(
                f"{mark} should say whose {folder} is and cannot be read. Remove it, if what lies "
                "there was made from this run's raw_dir"
            ) from error

    def is_at(self, raw_dir: UPath, folder: UPath) -> bool:
        """Whether it is the data set in ``raw_dir``, moved together with the folder or not."""
        if self.raw_dir == str(raw_dir):
            return True
        if self.identity is not None:
            return self.identity == identity_of(raw_dir)
        moved = self.relative is not None and self.relative == _relative(raw_dir, folder)
        return moved and not UPath(self.raw_dir).exists()


def _write(folder: UPath, owner: Owner) -> None:
    if Owner.read(folder) != owner:
        make_folder(folder)
        (folder / OWNER_MARK).write_text(json.dumps(owner._asdict()) + "\n")


def _reads_raw_data(pipeline: Pipeline, catalog: CatalogProtocol, raw_dir: UPath) -> bool:
    paths = (location_of(catalog.get(name)) for name in pipeline.datasets())
    return any(path and is_inside(path, raw_dir) for path in paths)


def _written_in(pipeline: Pipeline, catalog: CatalogProtocol, folder: UPath) -> dict[str, UPath]:
    paths = {name: location_of(catalog.get(name)) for name in sorted(pipeline.all_outputs())}
    return {name: path for name, path in paths.items() if path and is_inside(path, folder)}


def check_owner(pipeline: Pipeline, catalog: CatalogProtocol, folders: Folders, call: Call) -> None:
    """Refuse to mix two data sets in one data_dir.

    Raises:
        GuardError: if the folder holds what was made from another raw_dir.
    """
    raw_dir, data_dir, _ = folders
    if not _reads_raw_data(pipeline, catalog, raw_dir):
        return
    owner = Owner.read(data_dir)
    if owner is not None and not owner.is_at(raw_dir, data_dir):
        other = call.run(raw_dir=str(raw_dir), data_dir=f"data/{raw_dir.name}")
        raise GuardError(
            f"{data_dir} holds what was made from {owner.raw_dir}; two data sets never share a "
            f"folder. Give {raw_dir} its own:\n  {other}\nIf it is the same data set, moved and "
            f"changed since, remove {data_dir / OWNER_MARK}"
        )


def _owner_above(folder: UPath) -> tuple[Owner | None, UPath]:
    """The owner of a folder or of the nearest folder around it, and which that is."""
    for around in (folder, *folder.parents):
        owner = Owner.read(around)
        if owner is not None:
            return owner, around
    return None, folder


def _holds_networks(models_dir: UPath) -> bool:
    names = (entry.name for entry in models_dir.iterdir()) if models_dir.is_dir() else ()
    return any(name.endswith(".keras") or name == "ensemble.json" for name in names)


def check_models(
    pipeline: Pipeline, catalog: CatalogProtocol, folders: Folders, call: Call
) -> None:
    """Refuse to train over the networks of another data set's run, or of nobody knows whose.

    Raises:
        GuardError: saying how to use them, and how to train others.
    """
    raw_dir, data_dir, models_dir = folders
    written = _written_in(pipeline, catalog, models_dir)
    if not written or is_inside(models_dir, data_dir) or not _holds_networks(models_dir):
        return
    owner, around = _owner_above(models_dir)
    simulates = not _reads_raw_data(pipeline, catalog, raw_dir)
    if simulates if owner is None else owner.is_at(raw_dir, around):
        return
    origin = f"trained on {owner.raw_dir}" if owner else "of which nobody knows the data"
    raise GuardError(
        f"this run would train into {models_dir}, which holds networks {origin}. To score them on "
        f"{raw_dir}:\n  {call.run('external_validation')}\nTo train others, without models_dir:\n"
        f"  {call.run(models_dir=None)}"
    )


def check_predictions(
    pipeline: Pipeline, catalog: CatalogProtocol, folders: Folders, call: Call
) -> None:
    """Refuse to write predictions over a table that was named to be scored.

    Raises:
        GuardError: saying how to score it.
    """
    name = "oof_predictions"
    path = location_of(catalog.get(name)) if name in pipeline.all_outputs() else None
    if path and path.exists() and not is_inside(path, folders.data_dir):
        raise GuardError(
            f"this run would write {name} over {path}, which lies outside of {folders.data_dir}. "
            f"To score that table:\n  {call.run('evaluation', **{name: str(path)})}\n"
            f"To train networks, leave {name} out"
        )


class OwnerHook:
    """Marks, as soon as a run begins, the folders that it claims."""

    def __init__(self) -> None:
        self._folders: Folders | None = None
        self._simulated: dict[str, str] = {}

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Find out where the data lies."""
        self._folders = data_folders(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Mark them; every check has been passed by now."""
        raw_dir, data_dir, models_dir = self._folders
        written = _written_in(pipeline, catalog, raw_dir)
        self._simulated = {name: path.name for name, path in written.items()}
        if self._simulated:
            make_folder(raw_dir)
            simulated.begin(raw_dir)
        reads = _reads_raw_data(pipeline, catalog, raw_dir)
        if reads:
            _write(data_dir, Owner.of(raw_dir, data_dir))
        trains = _written_in(pipeline, catalog, models_dir)
        if trains and reads and not is_inside(models_dir, data_dir):
            _write(models_dir, Owner.of(raw_dir, models_dir))

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Forget what is about to change, lest a run that is killed leaves a mark that lies."""
        if dataset_name in self._simulated:
            simulated.forget_files(self._folders.raw_dir)

    def _note_table(self, dataset_name: str) -> None:
        file = self._simulated.get(dataset_name)
        if file in simulated.TABLES:
            simulated.note_table(self._folders.raw_dir, file)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Note which tables are the simulation's."""
        self._note_table(dataset_name)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Note what a simulation has made."""
        if self._simulated:
            raw_dir, data_dir, _ = self._folders
            for dataset_name in self._simulated:
                self._note_table(dataset_name)
            simulated.note_files(raw_dir)
            _write(data_dir, Owner.of(raw_dir, data_dir))
