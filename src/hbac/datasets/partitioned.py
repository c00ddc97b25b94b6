"""Thousands of files as one dataset: made in parallel, atomically, and only where needed."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fsspec
import pandas as pd
from kedro.io.core import (
    AbstractDataset,
    DatasetError,
    get_protocol_and_path,
    parse_dataset_definition,
)
from kedro_datasets._typing import TablePreview

from hbac.datasets.file import FileDataset
from hbac.datasets.fingerprint import task_fingerprint
from hbac.datasets.manifest import Manifest
from hbac.datasets.parallel import Workers

logger = logging.getLogger(__name__)

_FAILURE_COLUMNS = ["partition", "reason", "traceback"]
_N_NAMED = 3


@dataclass(frozen=True)
class PartitionLoader:
    """Reads one partition when called.

    Attributes:
        dataset: the partition's dataset.
        source_identity: what tells this state of the file from another: its id, its size in
            bytes and the time of its last change.
    """

    dataset: FileDataset
    source_identity: tuple

    def __call__(self) -> Any:
        """Read the partition."""
        return self.dataset.load()


def _make_partition(
    partition: str, task: Callable[[], Any], dataset: FileDataset
) -> tuple[str, tuple[str, str] | None]:
    """Run a task and write what it returns; returns reason and traceback where that fails."""
    try:
        dataset.save(task())
    except Exception as error:
        return partition, (str(error) or type(error).__name__, traceback.format_exc())
    return partition, None


def _source_identity(partition: str, info: dict[str, Any]) -> tuple:
    changed = info.get("mtime") or info.get("LastModified") or info.get("ETag")
    return (partition, info["size"], str(changed))


class ParallelPartitionedDataset(AbstractDataset[dict[str, Any], dict[str, PartitionLoader]]):
    """A folder with a file a partition, named by the partition's id.

    Loading returns a callable a partition. Saving takes a callable a partition and runs them in
    parallel: each result is written atomically, and skipped where it is already there and was
    made from the same parameters, code and source file. A partition that fails is set aside with
    its reason in a table of failures, while the rest go on.

    Args:
        path: folder or URL of the partitions.
        dataset: type, or definition without a path, of one partition's ``FileDataset``.
        filename_suffix: what follows the id in a file's name, such as ``.npy``.
        failures: definition of the dataset that takes the table of what failed in the last run
            (columns partition, reason, traceback); every run that saves writes it.
        max_failure_rate: share of failed partitions, 0 to 1, past which the run fails.
        n_jobs: number of workers; -1 is one a core.
        backend: joblib's backend.
        credentials: passed to the file system.
        fs_args: further arguments of the file system.
        metadata: ignored by Kedro; read by plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        path: str,
        dataset: str | dict[str, Any],
        filename_suffix: str,
        failures: dict[str, Any] | None = None,
        max_failure_rate: float = 0.0,
        n_jobs: int = -1,
        backend: str = "loky",
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        if not 0 <= max_failure_rate <= 1:
            raise ValueError(
                f"max_failure_rate must be between 0 and 1, received {max_failure_rate}"
            )
        protocol, folder = get_protocol_and_path(str(path))
        self._path = folder.rstrip("/")
        self._suffix = filename_suffix
        self._storage = {"credentials": credentials, "fs_args": fs_args}
        self._fs = fsspec.filesystem(protocol, **(credentials or {}), **(fs_args or {}))
        definition = {"type": dataset} if isinstance(dataset, str) else dataset
        self._dataset_class, self._dataset_config = parse_dataset_definition(definition)
        self._protocol = protocol
        self._failures = failures and AbstractDataset.from_config("failures", failures)
        self._max_failure_rate = max_failure_rate
        self._workers = Workers(n_jobs, backend)
        self.metadata = metadata

    def _partition_dataset(self, partition: str) -> FileDataset:
        prefix = "" if self._protocol == "file" else f"{self._protocol}://"
        filepath = f"{prefix}{self._path}/{partition}{self._suffix}"
        return self._dataset_class(filepath=filepath, **self._dataset_config, **self._storage)

    def _list(self) -> dict[str, dict[str, Any]]:
        """Information on the file of every partition, by the partition's id."""
        self._fs.invalidate_cache()
        if not self._fs.exists(self._path):
            return {}
        names = {info["name"].rpartition("/")[2]: info for info in self._fs.ls(self._path, True)}
        return {
            name.removesuffix(self._suffix): names[name]
            for name in sorted(names)
            if name.endswith(self._suffix) and not name.startswith(".")
        }

    def load(self) -> dict[str, PartitionLoader]:
        """Return a callable for each partition, ordered by id; empty where there is none."""
        return {
            partition: PartitionLoader(
                self._partition_dataset(partition), _source_identity(partition, info)
            )
            for partition, info in self._list().items()
        }

    def save(self, data: dict[str, Callable[[], Any]]) -> None:
        """Run the callables that are new or changed, and write what they return.

        Raises:
            DatasetError: if more than ``max_failure_rate`` of all partitions failed.
        """
        manifest = Manifest(self._fs, self._path)
        present, made_from = self._list(), manifest.fingerprints()
        fingerprints = {partition: task_fingerprint(task) for partition, task in data.items()}
        todo = [
            partition
            for partition, fingerprint in fingerprints.items()
            if partition not in present or made_from.get(partition) != fingerprint
        ]
        name = self._path.rpartition("/")[2]
        logger.info("%s: %d of %d partitions to make", name, len(todo), len(data))
        failures = []
        with manifest.recording() as record:
            jobs = [
                (partition, data[partition], self._partition_dataset(partition))
                for partition in todo
            ]
            for partition, failure in self._workers.run(_make_partition, jobs, name):
                if failure is None:
                    record(partition, fingerprints[partition])
                else:
                    failures.append((partition, *failure))
            self._set_aside(sorted(failures), len(data))

    def _set_aside(self, failures: list[tuple[str, str, str]], n_partitions: int) -> None:
        """Table the failures, remove what they leave stale, and fail where they are too many."""
        for partition, reason, _ in failures:
            logger.error("%s/%s%s set aside: %s", self._path, partition, self._suffix, reason)
        if self._failures is not None:
            self._failures.save(pd.DataFrame(failures, columns=_FAILURE_COLUMNS))
        for partition, info in self._list().items():
            if partition in {failed for failed, *_ in failures}:
                self._fs.rm(info["name"])
        if len(failures) > self._max_failure_rate * n_partitions:
            named = "\n".join(f"  {name}: {reason}" for name, reason, _ in failures[:_N_NAMED])
            raise DatasetError(
                f"{len(failures)} of {n_partitions} partitions of {self._path} failed, more than "
                f"max_failure_rate = {self._max_failure_rate:g} allows"
                + (f"; all are listed in {self._failures._filepath}" if self._failures else "")
                + f". The first:\n{named}"
            )

    def preview(self, nrows: int = 20) -> TablePreview:
        """Return the first partitions' names and sizes for kedro-viz."""
        files = list(self._list().items())
        rows = [[name, round(info["size"] / 1024)] for name, info in files[:nrows]]
        columns = [f"partition (of {len(files)})", "size in KiB"]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})

    def _exists(self) -> bool:
        """Whether every partition is there: a folder that a run was writing must be complete."""
        manifest = Manifest(self._fs, self._path)
        return bool(self._list()) and (manifest.complete or not manifest.fingerprints())

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "dataset": self._dataset_class.__name__}
