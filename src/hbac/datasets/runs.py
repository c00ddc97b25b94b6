"""Finished runs of ``modeling``, each in a folder of its own, as members of an ensemble."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from kedro.io.core import AbstractDataset, DatasetError

from hbac.datasets.bytes_file import BytesDataset
from hbac.datasets.file import FileDataset, protocol_and_path
from hbac.datasets.folder import Folder, PartitionLoader
from hbac.datasets.record import RecordDataset
from hbac.datasets.table import TableDataset

_NETWORKS = "06_models"
_SUFFIX = ".keras"


@dataclass(frozen=True)
class FinishedRun:
    """What a run of ``modeling`` left in its ``data_dir``.

    Attributes:
        folder: the ``data_dir``, as it was named.
        ensemble: the record beside the networks.
        windows: rows of the model's input.
        predictions: held-out predictions of the run.
        network_predictions: those of each architecture.
        networks: by name, a callable that returns the bytes of the network's file.
    """

    folder: str
    ensemble: dict[str, Any]
    windows: pd.DataFrame
    predictions: pd.DataFrame
    network_predictions: pd.DataFrame
    networks: dict[str, Callable[[], bytes]]


def _words(folder: str) -> list[str]:
    """The parts of a path, as far as they can be part of a file's name."""
    parts = protocol_and_path(folder)[1].split("/")
    return [word for part in parts if (word := re.sub(r"[^A-Za-z0-9_-]+", "_", part).strip("_"))]


def _names(folders: Sequence[str]) -> list[str]:
    """A short name of each folder: so many of its last parts as tell it from the others."""
    words = [_words(folder) for folder in folders]
    for length in range(1, max(map(len, words), default=0) + 1):
        names = ["_".join(parts[-length:]) for parts in words]
        if len({*names}) == len(names):
            return names
    raise DatasetError(f"members must be different folders, received {', '.join(folders)}")


class RunsDataset(AbstractDataset[None, dict[str, FinishedRun]]):
    """Several finished runs, by a short name of each.

    Args:
        folders: the ``data_dir`` of each: paths or URLs.
        joined_in: the folder that the networks of the ensemble go to; a run that was trained into
            it is never written over.
        credentials: passed to the file system.
        fs_args: further arguments of the file system.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        folders: Sequence[str],
        joined_in: str | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        self._folders = [folders] if isinstance(folders, str) else [str(one) for one in folders]
        self._joined_in = joined_in
        self._storage = {"credentials": credentials, "fs_args": fs_args}
        self.metadata = metadata

    def load(self) -> dict[str, FinishedRun]:
        """Read the records and the tables; networks are read when they are asked for.

        Raises:
            DatasetError: if there are fewer than two, or one lacks a file; the message names it.
                And if the ensemble would be written over a run.
        """
        if len(self._folders) < 2:
            raise DatasetError(
                f"an ensemble needs two members at least, received {self._folders}: name the "
                "data_dir of finished runs, as --params members=[DIR,DIR],data_dir=DIR"
            )
        self._check_joined_in()
        names = _names(self._folders)
        return dict(zip(names, map(self._read, self._folders), strict=True))

    def _check_joined_in(self) -> None:
        record = RecordDataset(filepath=f"{self._joined_in}/ensemble.json", **self._storage)
        if self._joined_in and record.exists() and "members" not in record.load():
            raise DatasetError(
                f"{self._joined_in} holds the networks of a run, which an ensemble would be "
                "written over: give it a folder of its own, as data_dir=data/joined"
            )

    def _read(self, folder: str) -> FinishedRun:
        def read(kind: type[FileDataset], path: str) -> Any:
            dataset = kind(filepath=f"{folder}/{path}", **self._storage)
            if not dataset.exists():
                raise DatasetError(
                    f"{folder} is no finished run, as it lacks {path}. Name the data_dir of a run "
                    f"of modeling whose networks lie in its {_NETWORKS}"
                )
            return dataset.load()

        made = "07_model_output"
        return FinishedRun(
            folder,
            read(RecordDataset, f"{_NETWORKS}/ensemble.json"),
            read(TableDataset, "05_model_input/model_windows.parquet"),
            read(TableDataset, f"{made}/oof_predictions.parquet"),
            read(TableDataset, f"{made}/network_predictions.parquet"),
            self._networks(f"{folder}/{_NETWORKS}"),
        )

    def _networks(self, path: str) -> dict[str, Callable[[], bytes]]:
        folder = Folder(path, BytesDataset, {}, _SUFFIX, **self._storage)
        found = folder.list()
        return {name: PartitionLoader(folder, name, state) for name, state in found.items()}

    def save(self, data: None) -> None:
        """Refuse: runs are read alone."""
        raise DatasetError("finished runs can't be written")

    def _exists(self) -> bool:
        return len(self._folders) > 1

    def _describe(self) -> dict[str, Any]:
        return {"folders": self._folders}
