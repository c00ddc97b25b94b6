"""Many equal arrays as one memory-mapped array."""

from __future__ import annotations

import json
import logging
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import joblib
import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import DatasetError

from hbac.datasets.file import remove_leftovers, replacing
from hbac.datasets.fingerprint import code_fingerprint, task_fingerprints
from hbac.datasets.folder import reading_once
from hbac.datasets.npy import NpyDataset
from hbac.datasets.parallel import WorkerDiedError, Workers
from hbac.datasets.quarantine import Failure, Quarantine
from hbac.datasets.unfinished import Block, UnfinishedStack

logger = logging.getLogger(__name__)

Task = Callable[[], np.ndarray]

_BLOCK_BYTES = 4 * 2**20
_BLOCKS_PER_CPU = 8
"""Blocks at least that a core gets, so that none waits long for another's last."""

_SECONDS_BETWEEN_FLUSHES = 5.0
"""To flush every row took 1.4 of 1.8 ms."""


class _Made(NamedTuple):
    """What is known of a finished stack: its size in bytes, and what each row was made from."""

    size: int
    rows: list[str]


def _raise(error: Exception) -> None:
    raise error


def _run(task: Task) -> np.ndarray | Failure:
    try:
        return task()
    except Exception as error:
        return Failure(str(error) or type(error).__name__, traceback.format_exc())


def _fit(row: int, value: np.ndarray | Failure, like: Block) -> np.ndarray | Failure:
    """Refuse a value of another shape than the others'."""
    if isinstance(value, Failure) or value.shape == like.shape:
        return value
    return Failure(f"row {row} has shape {value.shape}, the first has {like.shape}", "")


def _fill(rows: Block, first: int, tasks: Sequence[Task]) -> list[Failure | None]:
    """Make neighbouring rows, and write them in one piece; one that fails is zero."""
    block = rows.empty(len(tasks))
    failures: list[Failure | None] = [None] * len(tasks)
    with reading_once():
        for place, task in enumerate(tasks):
            value = _fit(first + place, _run(task), rows)
            if isinstance(value, Failure):
                failures[place] = value
            else:
                block[place] = value
    rows.write(first, block)
    return failures


def _neighbours(rows: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Divide rows into blocks of neighbours, ``most`` at a time: the first, and how many."""
    start = 0
    for place in range(1, len(rows) + 1):
        full = place - start == most
        if place == len(rows) or full or rows[place] != rows[place - 1] + 1:
            yield rows[start], place - start
            start = place


def set_aside(
    path: str, names: Collection[Any], failures: Mapping[int, Failure], quarantine: Quarantine
) -> None:
    """Table rows that could not be made.

    Args:
        path: the file that lacks them, or the folder of several.
        names: what the rows are called.
        failures: by place among the names, why.
        quarantine: what becomes of them.

    Raises:
        DatasetError: see ``Quarantine``.
    """
    of_row = dict(enumerate(map(str, names)))
    for row, failure in sorted(failures.items()):
        quarantine.report(f"row {of_row[row]} of {path}", of_row[row], failure)
    of_name = {of_row[row]: failure for row, failure in failures.items()}
    quarantine.settle(of_name, len(names), of=f"rows of {path}")


class StackedArrayDataset(NpyDataset):
    """One ``.npy`` file whose rows are made by callables, in parallel and in their order.

    Loading returns a read-only memory map. Saving makes the rows that are not there yet, or were
    made from other parameters, code or source files. A row that fails is zero and is set aside with
    its reason in a table of failures, while the others go on. A file that no save finished does
    not count as there; on this machine's disk the next save goes on where that one stopped.

    Args:
        filepath: path or URL of the file. It is filled on this machine's disk, which workers of a
            cluster must share.
        failures: definition of the dataset that takes the table of the rows that failed in the last
            run (columns partition, which is the row's name, reason, traceback).
        on_error: as of ``hbac.datasets.ParallelPartitionedDataset``, and so for the next two.
        max_failure_rate: see there.
        tolerated_failures: see there.
        n_jobs: number of workers; -1 is one a core.
        backend: joblib's backend.
        scheduler: address of the cluster, for the backends ``dask`` and ``ray``.
        may_be_empty: whether nothing to stack is stored as an array of shape ``(0,)``; otherwise
            it is an error.
        kwargs: as of ``NpyDataset``.
    """

    def __init__(
        self,
        *,
        failures: dict[str, Any] | None = None,
        on_error: Literal["raise", "quarantine"] = "quarantine",
        max_failure_rate: float = 0.0,
        tolerated_failures: int = 0,
        n_jobs: int = -1,
        backend: str = "loky",
        scheduler: str | None = None,
        may_be_empty: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._may_be_empty = may_be_empty
        self._quarantine = Quarantine(failures, on_error, max_failure_rate, tolerated_failures)
        self._workers = Workers(n_jobs, backend, scheduler)

    @property
    def _record(self) -> str:
        return self._filepath + ".made_from"

    def save(self, data: dict[Any, Task]) -> None:
        """Run the callables and stack what they return.

        Raises:
            DatasetError: if there is none where there must be; none can be made; or more failed
                than ``on_error``, ``max_failure_rate`` and ``tolerated_failures`` allow.
        """
        with self.filling(data) as failures:
            set_aside(self._filepath, data, failures, self._quarantine)

    @contextmanager
    def filling(self, data: dict[Any, Task]) -> Iterator[dict[int, Failure]]:
        """Make the rows; yield why some could not be made, which then are zero.

        The file is there once the block has ended without an error.

        Raises:
            DatasetError: if there is no callable where there must be, or no row can be made.
        """
        if not data and not self._may_be_empty:
            raise DatasetError(f"nothing to stack in {self._filepath}")
        tasks, fingerprints = self._identify(data)
        if self._is_made_from(fingerprints):
            logger.info("%s is up to date", self._filepath)
            yield {}
            return
        remove_leftovers(self._fs, *self._filepath.rsplit("/", 1))
        with self._unfinished() as stack:
            self._take_up(stack, fingerprints)
            failures = self._make(stack, tasks, fingerprints)
            yield failures
            size = stack.finish()
        made = ["" if row in failures else one for row, one in enumerate(fingerprints)]
        with replacing(self._fs, self._record) as path:
            Path(path).write_text(json.dumps(_Made(size, made)))

    def _identify(self, data: Mapping[Any, Task]) -> tuple[list[Task], list[str]]:
        """The rows' callables and what each is made from; "" where that can't be read."""
        tasks, fingerprints = [*data.values()], []
        code = code_fingerprint(type(self))
        for row, (_, fingerprint) in enumerate(task_fingerprints(data, written_by=code)):
            if isinstance(fingerprint, OSError):
                tasks[row], fingerprint = partial(_raise, fingerprint), ""
            fingerprints.append(fingerprint)
        return tasks, fingerprints

    def _made(self) -> _Made | None:
        """What is known of the file; None where no save came to its end."""
        try:
            return _Made(*json.loads(self._fs.cat_file(self._record)))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _is_made_from(self, fingerprints: list[str]) -> bool:
        return self._exists() and self._made().rows == fingerprints and "" not in fingerprints

    def _exists(self) -> bool:
        """Whether the file is there as the last save made it, and that came to its end."""
        made = self._made()
        return super()._exists() and made is not None and self._fs.size(self._filepath) == made.size

    @contextmanager
    def _unfinished(self) -> Iterator[UnfinishedStack]:
        """Yield where to make the file; of one that goes elsewhere nothing is kept."""
        if isinstance(self._fs, LocalFileSystem):
            yield UnfinishedStack(self._filepath)
            return
        with tempfile.TemporaryDirectory() as folder:
            local = f"{folder}/stack.npy"
            yield UnfinishedStack(local)
            self._fs.put_file(local, self._filepath)

    def _take_up(self, stack: UnfinishedStack, fingerprints: list[str]) -> None:
        """Go on with the finished file where rows of it can stay; it no longer counts as there."""
        made = self._made() if self._exists() else None
        if (
            made is not None
            and isinstance(self._fs, LocalFileSystem)
            and len(made.rows) == len(fingerprints)
            and any(map(str.__eq__, made.rows, fingerprints))
        ):
            stack.reopen(made.rows)
        if self._fs.exists(self._record):
            self._fs.rm_file(self._record)

    def _start(self, stack: UnfinishedStack, tasks: list[Task]) -> tuple[dict[int, Failure], int]:
        """Begin with the first row that can be made; return it, and why those before can't."""
        failures = {}
        for row, task in enumerate(tasks):
            value = _run(task)
            if not isinstance(value, Failure):
                stack.start(len(tasks), value)
                stack.rows.write(row, value[np.newaxis])
                return failures, row
            failures[row] = value
        reason = failures[0].reason if failures else ""
        raise DatasetError(f"no row of {self._filepath} could be made; row 0: {reason}")

    def _run_blocks(
        self, rows: Block, lacking: list[int], tasks: list[Task]
    ) -> Iterator[tuple[int, Failure | None]]:
        """Make rows in blocks; those of a block whose worker died are made again one by one."""
        n_bytes = max(1, rows.empty(1).nbytes)
        share = len(lacking) // (_BLOCKS_PER_CPU * joblib.cpu_count())
        most, name = max(1, min(_BLOCK_BYTES // n_bytes, share)), self._filepath.rpartition("/")[2]
        while lacking:
            blocks = [*_neighbours(lacking, most)]
            jobs = [(rows, first, tasks[first : first + n]) for first, n in blocks]
            lost = []
            for index, result in self._workers.run(_fill, jobs, name):
                first, n = blocks[index]
                if isinstance(result, WorkerDiedError):
                    if n > 1:
                        lost += range(first, first + n)
                        continue
                    result = [Failure(str(result), "")]
                yield from enumerate(result, first)
            lacking, most = sorted(lost), 1

    def _fill(
        self,
        stack: UnfinishedStack,
        lacking: list[int],
        tasks: list[Task],
        fingerprints: list[str],
    ) -> dict[int, Failure]:
        """Make rows, and note every few seconds which of them are on the disk."""
        failures: dict[int, Failure] = {}
        fresh, last = {}, time.monotonic()
        try:
            for row, failure in self._run_blocks(stack.rows, lacking, tasks):
                if failure is not None:
                    failures[row] = failure
                else:
                    fresh[row] = fingerprints[row]
                if time.monotonic() - last > _SECONDS_BETWEEN_FLUSHES:
                    stack.record(fresh)
                    fresh, last = {}, time.monotonic()
        finally:
            stack.record(fresh)
        return failures

    def _make(
        self, stack: UnfinishedStack, tasks: list[Task], fingerprints: list[str]
    ) -> dict[int, Failure]:
        """Make the rows that ``stack`` lacks; return why some could not be made."""
        if not tasks:
            stack.start(0, np.empty((), np.float16))
            return {}
        made = stack.made(len(tasks))
        kept = {row: one for row, one in enumerate(fingerprints) if one and made.get(row) == one}
        failures: dict[int, Failure] = {}
        if not kept:
            failures, first = self._start(stack, tasks)
            kept = {first: fingerprints[first]}
        stack.keep(kept)
        done = kept.keys() | failures.keys()
        lacking = [row for row in range(len(tasks)) if row not in done]
        logger.info("%s: %d of %d rows to make", self._filepath, len(lacking), len(tasks))
        return failures | self._fill(stack, lacking, tasks, fingerprints)
