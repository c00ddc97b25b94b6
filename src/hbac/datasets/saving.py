"""Saving folders of partitions: one, or several that are made from the same files in one pass."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from kedro.io.core import DatasetError

from hbac.datasets.file import flush_together
from hbac.datasets.fingerprint import Writer, task_fingerprints
from hbac.datasets.folder import Folder, by_id, reading_once
from hbac.datasets.manifest import Made, Manifest, Record
from hbac.datasets.parallel import WorkerDiedError, Workers
from hbac.datasets.quarantine import Failure, Quarantine

logger = logging.getLogger(__name__)

Task = Callable[[], Any]

_SECONDS_OF_A_LOT = 1.0
"""What is made in this time goes to the disk together, and is made again after a power cut."""

_N_FLUSHING = 3
"""Such lots that are waited for while more is made."""


def _is_from_storage(error: BaseException) -> bool:
    """Whether an error in writing is the storage's; what cannot be written is the data's fault."""
    while error.__cause__ is not None:
        error = error.__cause__
    return not isinstance(error, ValueError | TypeError | DatasetError)


def _raise(error: Exception) -> None:
    raise error


class _Outcome(NamedTuple):
    """What a task came to: the size of its file, or None where it returns None and has no file."""

    size: int | None


def _has_file(result: _Outcome | Failure | None) -> bool:
    return isinstance(result, _Outcome) and result.size is not None


def _make_partition(folder: Folder, partition: str, task: Task) -> _Outcome | Failure:
    """Run a task and write what it returns."""
    try:
        result = task()
    except Exception as error:
        return Failure(str(error) or type(error).__name__, traceback.format_exc())
    try:
        return _Outcome(None if result is None else folder.write(partition, result))
    except Exception as error:
        return Failure(str(error), traceback.format_exc(), storage=_is_from_storage(error))


def _make_partitions(*parts: tuple[Folder, str, Task]) -> list[_Outcome | Failure]:
    """Make what is made from one file, which is read once; nothing more after a failure."""
    made = []
    with reading_once():
        for part in parts:
            made.append(_make_partition(*part))
            if isinstance(made[-1], Failure):
                break
    return made


class FolderSave:
    """What a save of one folder is to make, and what becomes of it.

    Args:
        folder: where it is written to.
        data: by id, text or a whole number, a callable.
        quarantine: what becomes of partitions that fail.
        writer: of fingerprints, which several folders share that are made from the same files.

    Raises:
        DatasetError: if an id cannot be that of a file.
    """

    def __init__(
        self,
        folder: Folder,
        data: dict[Any, Task],
        quarantine: Quarantine,
        writer: Writer | None = None,
    ):
        self.folder, self._quarantine = folder, quarantine
        try:
            self.tasks = by_id(data, folder.suffix)
        except ValueError as error:
            raise DatasetError(f"{folder.path}: {error}. Nothing was written") from error
        self._fingerprints = self._identify(writer)
        folder.remove_leftovers()
        self._manifest, self._present = Manifest.of(folder), folder.list()
        record = self._manifest.read() or Record()
        self._plan = record.plan(self._fingerprints, self._present)
        self.todo = self._plan.todo
        self._failures: dict[str, Failure] = {}
        self._n_without_file = 0
        logger.info("%s: %d of %d partitions to make", folder.name, len(self.todo), len(self.tasks))

    def _identify(self, writer: Writer | None) -> dict[str, str]:
        """What each is made from; one whose source can't be read for that becomes a failure."""
        identity = self.folder.dataset_identity
        fingerprints = dict(task_fingerprints(self.tasks, written_by=identity, writer=writer))
        for partition, fingerprint in fingerprints.items():
            if isinstance(fingerprint, OSError):
                self.tasks[partition] = partial(_raise, fingerprint)
                fingerprints[partition] = ""
        return fingerprints

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Open the folder for writing; it is complete only once the block ended without an error.

        Raises:
            DatasetError: at the end of the block, if more failed than may.
        """
        try:
            with self._manifest.recording(self._plan) as self._record:
                self.folder.remove(self._plan.withdrawn)
                yield
                if self.todo:
                    self.folder.flush()
                if self._n_without_file:
                    logger.info(
                        "%s: %d came to nothing and have no file",
                        *(self.folder.name, self._n_without_file),
                    )
                of = f"partitions of {self.folder.path}"
                self._quarantine.settle(self._failures, len(self.tasks), of=of)
        finally:
            if self.todo:
                self.folder.remove_leftovers()

    def take(self, partition: str, result: _Outcome | Failure | None) -> None:
        """Note what became of a partition; None is nothing yet.

        Raises:
            DatasetError: if the folder could not be written to, or failures are to end the run.
        """
        if partition in self._present and not _has_file(result):
            self.folder.remove([partition])
        if isinstance(result, _Outcome):
            self._record(partition, Made(self._fingerprints[partition], result.size))
            self._n_without_file += result.size is None
        elif result is not None:
            self._set_aside(partition, result)

    def _set_aside(self, partition: str, result: Failure) -> None:
        self._failures[partition] = result
        path = self.folder.path_of(partition)
        if result.storage:
            raise DatasetError(
                f"{path} could not be written: {result.reason}\nWhat was made before stays; "
                "once the folder can be written to, the same command makes the rest"
            )
        self._quarantine.report(path, partition, result)


class _Result(NamedTuple):
    save: FolderSave
    partition: str
    result: _Outcome | Failure | None

    @property
    def has_local_file(self) -> bool:
        return _has_file(self.result) and self.save.folder.is_local


def _flushed(results: list[_Result]) -> list[_Result]:
    """The same once their files would outlast a power cut."""
    written = [one for one in results if one.has_local_file]
    try:
        flush_together([one.save.folder.path_of(one.partition) for one in written])
    except OSError as error:
        failure = Failure(str(error), traceback.format_exc(), storage=True)
        return [one._replace(result=failure) if one.has_local_file else one for one in results]
    return results


def _make(saves: Sequence[FolderSave], workers: Workers) -> Iterator[_Result]:
    """Run and write, a job an id, in all folders that lack it."""
    lacking: dict[str, list[FolderSave]] = {}
    for save in saves:
        for partition in save.todo:
            lacking.setdefault(partition, []).append(save)
    jobs = [
        tuple((save.folder, partition, save.tasks[partition]) for save in of_partition)
        for partition, of_partition in lacking.items()
    ]
    partitions = [*lacking]
    for index, results in workers.run(_make_partitions, jobs, saves[0].folder.name):
        if isinstance(results, WorkerDiedError):
            results = [Failure(str(results), "")]
        of_partition = lacking[partitions[index]]
        results = [*results, *[None] * (len(of_partition) - len(results))]
        for save, result in zip(of_partition, results, strict=True):
            yield _Result(save, partitions[index], result)


def _on_disk(made: Iterable[_Result]) -> Iterator[_Result]:
    """Pass on what was made, files once they would outlast a power cut.

    The disk is waited for in a thread, while the next ones are made, for lots of files that grow:
    the first are noted at once.
    """
    lot, most, started = [], 1, time.monotonic()
    waiting: deque[Future[list[_Result]]] = deque()
    with ThreadPoolExecutor(1) as thread:
        for one in made:
            lot.append(one)
            # A failure may end the run, which then is to know of all that it has made.
            failed = isinstance(one.result, Failure)
            if failed or len(lot) >= most or time.monotonic() - started > _SECONDS_OF_A_LOT:
                waiting.append(thread.submit(_flushed, lot))
                lot, most, started = [], 2 * len(lot), time.monotonic()
            while waiting and (failed or waiting[0].done() or len(waiting) > _N_FLUSHING):
                yield from waiting.popleft().result()
        for flushed in (*waiting, thread.submit(_flushed, lot)):
            yield from flushed.result()


def save_together(saves: Sequence[FolderSave], workers: Workers) -> None:
    """Make what folders lack, everything that is made from one file in one go.

    Args:
        saves: of the folders, whose partitions of one id are made from the same file. Where one
            of these fails, those of later folders are left for the next save.
        workers: who does it.

    Raises:
        DatasetError: see ``FolderSave``.
    """
    with ExitStack() as recordings:
        for save in reversed(saves):
            recordings.enter_context(save.recording())
        for save, partition, result in _on_disk(_make(saves, workers)):
            save.take(partition, result)
