"""Thousands of files as one dataset: made in parallel, atomically, and only where needed."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pandas as pd
from kedro.io.core import AbstractDataset, DatasetError, parse_dataset_definition
from kedro_datasets._typing import TablePreview

from hbac.datasets.fingerprint import task_fingerprints
from hbac.datasets.folder import Folder, PartitionLoader, by_id
from hbac.datasets.manifest import Made, Manifest, Record
from hbac.datasets.parallel import WorkerDiedError, Workers

logger = logging.getLogger(__name__)

_FAILURE_COLUMNS = ["partition", "reason", "traceback"]
_N_NAMED = 3

_N_FLUSHING = 32
"""Files that are on their way to the disk while others are made."""


@dataclass(frozen=True)
class Failure:
    """Why a partition could not be made.

    Attributes:
        reason: the error's message.
        traceback: where it was raised.
        storage: whether the folder could not be written to, which is no fault of the partition.
    """

    reason: str
    traceback: str
    storage: bool = False


def _is_from_storage(error: BaseException) -> bool:
    """Whether an error in writing is the storage's; what cannot be written is the data's fault."""
    while error.__cause__ is not None:
        error = error.__cause__
    return not isinstance(error, ValueError | TypeError | DatasetError)


def _raise(error: Exception) -> None:
    raise error


def _make_partition(folder: Folder, partition: str, task: Callable[[], Any]) -> int | Failure:
    """Run a task and write what it returns; return the file's size, or why that fails."""
    try:
        result = task()
    except Exception as error:
        return Failure(str(error) or type(error).__name__, traceback.format_exc())
    try:
        return folder.write(partition, result)
    except Exception as error:
        return Failure(str(error), traceback.format_exc(), storage=_is_from_storage(error))


class ParallelPartitionedDataset(AbstractDataset[dict[str, Any], dict[str, PartitionLoader]]):
    """A folder with a file a partition, named by the partition's id.

    Loading returns a callable a partition. Saving takes a callable a partition and runs them in
    parallel: each result is written atomically, and skipped where it is already there, whole, and
    was made from the same parameters, code and source file. A partition that fails is set aside
    with its reason in a table of failures, while the rest go on.

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
        if not 0 <= max_failure_rate <= 1:
            raise ValueError(
                f"max_failure_rate must be between 0 and 1, received {max_failure_rate}"
            )
        if not isinstance(tolerated_failures, int) or tolerated_failures < 0:
            raise ValueError(
                "tolerated_failures must be a whole number, 0 or more, received "
                f"{tolerated_failures!r}"
            )
        for name, value, known in (
            ("on_error", on_error, ("raise", "quarantine")),
            ("identify_by", identify_by, ("modified", "content")),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {known}, received {value!r}")
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
        self._failures = failures and AbstractDataset.from_config("failures", failures)
        self._on_error = on_error
        self._max_failure_rate = max_failure_rate
        self._tolerated_failures = tolerated_failures
        self._workers = Workers(n_jobs, backend, scheduler)
        self.metadata = metadata

    @property
    def _name(self) -> str:
        return self._path.rpartition("/")[2]

    def _manifest(self) -> Manifest:
        name = "" if self._folder.suffix.startswith(".") else self._folder.suffix
        return Manifest(self._folder.fs, self._path, name)

    def load(self) -> dict[str, PartitionLoader]:
        """Return a callable for each partition, ordered by id; empty where there is none."""
        return {
            partition: PartitionLoader(self._folder, partition, state)
            for partition, state in self._folder.list_readable().items()
        }

    def _by_id(self, data: dict[Any, Callable[[], Any]]) -> dict[str, Callable[[], Any]]:
        try:
            return by_id(data, self._folder.suffix)
        except ValueError as error:
            raise DatasetError(f"{self._path}: {error}. Nothing was written") from error

    def _identify(self, tasks: dict[str, Callable[[], Any]]) -> dict[str, str]:
        """What each is made from; one whose source can't be read for that becomes a failure."""
        fingerprints = dict(task_fingerprints(tasks, written_by=self._folder.dataset_identity))
        for partition, fingerprint in fingerprints.items():
            if isinstance(fingerprint, OSError):
                tasks[partition] = partial(_raise, fingerprint)
                fingerprints[partition] = ""
        return fingerprints

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
        tasks = self._by_id(data)
        fingerprints = self._identify(tasks)
        self._folder.remove_leftovers()
        manifest, present = self._manifest(), self._folder.list()
        plan = (manifest.read() or Record()).plan(fingerprints, present)
        logger.info("%s: %d of %d partitions to make", self._name, len(plan.todo), len(tasks))
        try:
            with manifest.recording(plan) as record:
                self._folder.remove(plan.withdrawn)
                failures = {}
                for partition, result in self._on_disk(self._make(plan.todo, tasks)):
                    if not isinstance(result, Failure):
                        record(partition, Made(fingerprints[partition], result))
                        continue
                    failures[partition] = result
                    if partition in present:
                        self._folder.remove([partition])
                    self._report(partition, result)
                if plan.todo:
                    self._folder.flush()
                self._set_aside(failures, len(tasks))
        finally:
            self._folder.remove_leftovers()

    def _make(
        self, todo: list[str], tasks: dict[str, Callable[[], Any]]
    ) -> Iterator[tuple[str, int | Failure]]:
        """Run and write; yield each partition with its size in bytes, or why it failed."""
        jobs = [(self._folder, partition, tasks[partition]) for partition in todo]
        for index, result in self._workers.run(_make_partition, jobs, self._name):
            if isinstance(result, WorkerDiedError):
                result = Failure(str(result), "")
            yield todo[index], result

    def _flush(self, partition: str, size: int) -> tuple[str, int | Failure]:
        try:
            self._folder.flush(partition)
        except OSError as error:
            return partition, Failure(str(error), traceback.format_exc(), storage=True)
        return partition, size

    def _on_disk(
        self, made: Iterable[tuple[str, int | Failure]]
    ) -> Iterator[tuple[str, int | Failure]]:
        """Pass on what ``_make`` yields, files once they would outlast a power cut.

        The disk is waited for in threads, while the next ones are made.
        """
        waiting: deque[Future] = deque()
        with ThreadPoolExecutor() as threads:
            for partition, result in made:
                failed = isinstance(result, Failure)
                if not failed:
                    waiting.append(threads.submit(self._flush, partition, result))
                # A failure may end the run, which then is to know of all that it has made.
                while waiting and (failed or waiting[0].done() or len(waiting) > _N_FLUSHING):
                    yield waiting.popleft().result()
                if failed:
                    yield partition, result
            for flushed in waiting:
                yield flushed.result()

    def _report(self, partition: str, failure: Failure) -> None:
        """Log a failure, and end the run where it must."""
        path = self._folder.path_of(partition)
        if failure.storage:
            raise DatasetError(
                f"{path} could not be written: {failure.reason}\nWhat was made before stays; "
                "once the folder can be written to, the same command makes the rest"
            )
        if self._on_error == "raise":
            self._save_failures({partition: failure})
            raise DatasetError(f"{path} could not be made: {failure.reason}\n{failure.traceback}")
        logger.error("%s set aside: %s", path, failure.reason)

    def _save_failures(self, failures: dict[str, Failure]) -> None:
        if self._failures is not None:
            rows = [
                (partition, failure.reason, failure.traceback)
                for partition, failure in sorted(failures.items())
            ]
            self._failures.save(pd.DataFrame(rows, columns=_FAILURE_COLUMNS))

    def _set_aside(self, failures: dict[str, Failure], n_partitions: int) -> None:
        """Table the failures, and fail where they are too many."""
        self._save_failures(failures)
        tolerated = min(self._tolerated_failures, n_partitions - 1)
        if len(failures) > max(self._max_failure_rate * n_partitions, tolerated):
            first = sorted(failures.items())[:_N_NAMED]
            named = "\n".join(f"  {name}: {failure.reason}" for name, failure in first)
            never = " (never all)" if tolerated < self._tolerated_failures else ""
            raise DatasetError(
                f"{len(failures)} of {n_partitions} partitions of {self._path} failed, more than "
                f"max_failure_rate = {self._max_failure_rate:g} and tolerated_failures = "
                f"{self._tolerated_failures}{never} allow"
                + (f"; all are listed in {self._failures._filepath}" if self._failures else "")
                + f". Mend them, or allow more. The first:\n{named}"
            )

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
        record = self._manifest().read()
        return bool(self._folder.list_readable()) and (record is None or record.complete)

    def _exists(self) -> bool:
        """Whether all that the last save made is there, whole, and that came to its end."""
        record, present = self._manifest().read(), self._folder.list()
        if record is None:
            return bool(self._folder.list_readable())
        damaged = record.damaged(present)
        if record.complete and damaged:
            logger.warning(
                "%s: %d of %d partitions that were made are gone or damaged, such as %s",
                *(self._path, len(damaged), len(record.made), damaged[0]),
            )
        return record.complete and not damaged

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "dataset": self._folder.dataset_class.__name__}
