"""Thousands of files as one dataset: made in parallel, atomically, and only where needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

from kedro.io.core import AbstractDataset, parse_dataset_definition
from kedro_datasets._typing import TablePreview

from hbac.datasets.folder import Folder, PartitionLoader
from hbac.datasets.manifest import Manifest
from hbac.datasets.parallel import Workers
from hbac.datasets.quarantine import Quarantine
from hbac.datasets.saving import FolderSave, save_together

logger = logging.getLogger(__name__)


class ParallelPartitionedDataset(AbstractDataset[dict[str, Any], dict[str, PartitionLoader]]):
    """A folder with a file a partition, named by the partition's id.

    Loading returns a callable a partition. Saving takes a callable a partition and runs them in
    parallel: each result is written atomically, and skipped where it is already there, whole, and
    was made from the same parameters, code and source file. A partition that fails is set aside
    with its reason in a table of failures, while the rest go on. One whose callable returns None
    gets no file, which is remembered like any other result.

    Args:
        path: folder or URL of the partitions.
        dataset: type, or definition without a path, of one partition's ``FileDataset``.
        filename_suffix: what follows the id in a file's name, such as ``.npy``. Datasets whose
            suffixes begin otherwise, such as ``_events.tsv`` and ``_events.json``, can share a
            folder.
        failures: definition of the dataset that takes the table of what failed in the last run
            (columns partition, reason, traceback); every run that saves writes it.
        on_error: ``quarantine`` sets a failed partition aside, ``raise`` ends the run.
        max_failure_rate: share of failed partitions, 0 to 1, past which the run fails all the
            same.
        tolerated_failures: number of partitions that may fail whatever their share; never all.
        identify_by: what tells one state of a file here from another, for what is made from it:
            ``modified`` (size and time of the last change) or ``content`` (a hash).
        n_jobs: number of workers; -1 is one a core.
        backend: joblib's backend.
        scheduler: address of the cluster, for the backends ``dask`` and ``ray``.
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
        on_error: Literal["raise", "quarantine"] = "quarantine",
        max_failure_rate: float = 0.0,
        tolerated_failures: int = 0,
        identify_by: Literal["modified", "content"] = "modified",
        n_jobs: int = -1,
        backend: str = "loky",
        scheduler: str | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ):
        if identify_by not in ("modified", "content"):
            raise ValueError(
                f"identify_by must be one of ('modified', 'content'), received {identify_by!r}"
            )
        definition = {"type": dataset} if isinstance(dataset, str) else dataset
        self._folder = Folder(
            str(path),
            *parse_dataset_definition(definition),
            filename_suffix,
            identify_by,
            credentials,
            fs_args,
        )
        self._protocol, self._path = self._folder.protocol, self._folder.path
        self._quarantine = Quarantine(failures, on_error, max_failure_rate, tolerated_failures)
        self._workers = Workers(n_jobs, backend, scheduler)
        self.metadata = metadata

    def load(self) -> dict[str, PartitionLoader]:
        """Return a callable for each partition, ordered by id; empty where there is none."""
        made = Manifest.of(self._folder).fingerprints()
        return {
            partition: PartitionLoader(self._folder, partition, state, made.get(partition, ""))
            for partition, state in self._folder.list_readable().items()
        }

    def save(self, data: dict[str, Callable[[], Any]]) -> None:
        """Run the callables that are new or changed, and write what they return.

        Files that earlier saves made and this one does not name are removed; those that came from
        elsewhere stay.

        Args:
            data: by id, text or a whole number, a callable.

        Raises:
            DatasetError: if an id cannot be that of a file; the folder cannot be written to; a
                partition failed and ``on_error`` is ``raise``; or more failed than
                ``max_failure_rate`` and ``tolerated_failures`` allow.
        """
        save_together([FolderSave(self._folder, data, self._quarantine)], self._workers)

    def preview(self, nrows: int = 20) -> TablePreview:
        """Return the first partitions' names and sizes for kedro-viz."""
        files = list(self._folder.list_readable().items())
        rows = [[name, round(state.size / 1024)] for name, state in files[:nrows]]
        columns = [f"partition (of {len(files)})", "size in KiB"]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})

    def is_readable(self) -> bool:
        """Whether any partition is there, and the last save, where there was one, came to its end.

        Files that are gone do not matter, as they may for raw data.
        """
        record = Manifest.of(self._folder).read()
        return (record is None or record.complete) and self._folder.holds_readable()

    def _exists(self) -> bool:
        """Whether all that the last save made is there, whole, and that came to its end."""
        record = Manifest.of(self._folder).read()
        if record is None:
            return self._folder.holds_readable()
        damaged = record.damaged(self._folder.list())
        if record.complete and damaged:
            logger.warning(
                "%s: %d of %d partitions that were made are gone or damaged, such as %s",
                *(self._path, len(damaged), len(record.made), damaged[0]),
            )
        return record.complete and not damaged

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "dataset": self._folder.dataset_class.__name__}
