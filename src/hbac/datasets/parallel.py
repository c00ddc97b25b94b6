"""The one place that knows how work is spread over processes or a cluster."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, Literal

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import ThreadpoolController, threadpool_limits

from hbac.datasets.cluster import Jobs, WorkerDiedError, on_dask, on_ray

_KEPT_BYTES = str(64 * 2**20)
WORKER_ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": _KEPT_BYTES,
    "MALLOC_MMAP_THRESHOLD_": _KEPT_BYTES,
    "POLARS_MAX_THREADS": "1",
}
"""Lets glibc keep what a worker frees between two files. Handing megabytes back after each file
and having the kernel zero them again was seen to take a third of the work's time."""


class _Marks:
    """Which job each worker process of this machine is at: a small file a process."""

    def __init__(self, folder: str):
        self._folder = folder

    @staticmethod
    @cache
    def _open(folder: str, pid: int) -> int:
        return os.open(f"{folder}/{pid}", os.O_WRONLY | os.O_CREAT, 0o600)

    def set(self, index: int) -> None:
        """Note, from within a worker, that it starts a job."""
        os.pwrite(self._open(self._folder, os.getpid()), b"%20d" % index, 0)

    def read(self) -> set[int]:
        """The last job of each worker; one that died before it said so has none."""
        texts = [file.read_text() for file in Path(self._folder).iterdir()]
        return {int(text) for text in texts if text}


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int) -> ThreadpoolController:
    """Thread pools of the libraries that are loaded; looked up anew when modules were imported."""
    return ThreadpoolController()


def _on_one_thread(libraries: str | None, function: Callable[..., Any], *job: Any) -> Any:
    """Run one job with one thread of the libraries of a kind (``openmp``, ``blas``), or of all.

    BLAS threads inside worker processes were seen to make the work five times slower.
    """
    with _thread_pools(len(sys.modules)).limit(limits=1, user_api=libraries):
        return function(*job)


def _marked(
    marks: _Marks | None, function: Callable[..., Any], index: int, job: tuple
) -> tuple[int, Any]:
    if marks is not None:
        marks.set(index)
    return index, function(*job)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set what is not set in the environment, for processes that start within the block."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _on_this_machine(
    function: Callable[..., Any],
    jobs: Jobs,
    backend: str,
    n_jobs: int,
    marks: _Marks | None = None,
) -> Iterator[tuple[int, Any]]:
    processes = backend == "loky" and n_jobs > 1
    # OpenMP's limit counts for a thread, that of BLAS for the process, which jobs may share.
    call = partial(_on_one_thread, None if processes else "openmp", function)
    threads = {"inner_max_num_threads": 1} if backend == "loky" else {}
    with (
        warnings.catch_warnings(),
        _environment(WORKER_ENVIRONMENT),
        nullcontext() if processes else threadpool_limits(1, user_api="blas"),
        joblib.parallel_config(backend, n_jobs=n_jobs, **threads),
    ):
        # loky replaces a worker whose memory has grown, and repeats what it was at.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        parallel = joblib.Parallel(return_as="generator_unordered", pre_dispatch="16*n_jobs")
        yield from parallel(joblib.delayed(_marked)(marks, call, index, job) for index, job in jobs)


def _alone(function: Callable[..., Any], index: int, job: tuple, marks: _Marks) -> tuple[int, Any]:
    """Repeat a job in a process of its own: of two workers only one gets it."""
    try:
        return next(_on_this_machine(function, [(index, job)], "loky", 2, marks))
    except BrokenProcessPool:
        return index, WorkerDiedError()


def _on_processes(
    function: Callable[..., Any], jobs: Jobs, n_jobs: int
) -> Iterator[tuple[int, Any]]:
    """Work on processes that may die, which costs a job one repetition and the others nothing."""
    pending = dict(jobs)
    with tempfile.TemporaryDirectory() as folder:
        marks = _Marks(folder)
        while pending:
            todo = [*pending.items()]
            try:
                for index, result in _on_this_machine(function, todo, "loky", n_jobs, marks):
                    del pending[index]
                    yield index, result
            except BrokenProcessPool:
                suspects = marks.read() & pending.keys()
                if not suspects:
                    raise
                for index in suspects:
                    yield _alone(function, index, pending.pop(index), marks)
    if parent_process() is not None:
        # One that Kedro's ParallelRunner started would wait for idle workers before it ends.
        get_reusable_executor().shutdown()


@dataclass(frozen=True)
class Workers:
    """How many workers of which kind.

    Attributes:
        n_jobs: number of workers on this machine; -1 is one a core. With 1 the work is done in
            the run's own process.
        backend: ``loky`` (processes), ``threading``, ``sequential``, ``dask`` or ``ray``.
        scheduler: address of the cluster, for ``dask`` and ``ray``.
    """

    n_jobs: int = -1
    backend: Literal["loky", "threading", "sequential", "dask", "ray"] = "loky"
    scheduler: str | None = None

    def _results(self, function: Callable[..., Any], jobs: Jobs) -> Iterator[tuple[int, Any]]:
        if self.backend == "dask":
            return on_dask(partial(_on_one_thread, None, function), jobs, self.scheduler)
        if self.backend == "ray":
            return on_ray(partial(_on_one_thread, None, function), jobs, self.scheduler)
        n_jobs = joblib.effective_n_jobs(self.n_jobs)
        if self.backend == "loky" and n_jobs > 1:
            return _on_processes(function, jobs, max(2, min(n_jobs, len(jobs))))
        return _on_this_machine(function, jobs, self.backend, n_jobs)

    def run(
        self, function: Callable[..., Any], jobs: Sequence[tuple], description: str
    ) -> Iterator[tuple[int, Any]]:
        """Call ``function(*job)`` for every job, each on one thread.

        Yields:
            A job's place among ``jobs`` and what was returned, as they come, in any order. For a
            job that twice took its worker process with it, what comes is a ``WorkerDiedError``.
        """
        if jobs:
            # A run that has nothing to do starts sooner without it.
            from hbac.datasets.progress import track

            results = self._results(function, [*enumerate(jobs)])
            yield from track(results, len(jobs), description)
