"""Work on a cluster: each function yields the place of a job and what it returned.

A job whose worker dies is repeated by the cluster on another one; where that too dies, as often
as the cluster is set to try, what comes is a ``WorkerDiedError``. joblib's own Dask backend waits
for such a job without end, and its Ray backend hands over no result before the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import ModuleType
from typing import Any

_REPEATS = 1
_QUEUED_PER_CPU = 4


class WorkerDiedError(RuntimeError):
    """A worker process ended in the middle of a job, and again when it was repeated."""

    def __init__(self) -> None:
        super().__init__(
            "the worker process was killed while it was at this, and again when it was repeated; "
            "the system does so when memory runs out"
        )


Jobs = list[tuple[int, tuple]]


def _dask_result(future: Any) -> Any:
    """What a job returned; an error that it did not return is the cluster's and is raised."""
    from distributed import KilledWorker

    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        return WorkerDiedError()
    cause = getattr(error, "__cause__", None) or error
    if isinstance(cause, ImportError):
        raise RuntimeError(
            f"the cluster cannot import what the work needs: {cause}. Its scheduler and its "
            "workers must have hbac, and what that builds on, as they are installed here"
        ) from error
    return future.result()


def on_dask(
    function: Callable[..., Any], jobs: Jobs, scheduler: str | None
) -> Iterator[tuple[int, Any]]:
    """Work on a Dask cluster.

    Args:
        function: called as ``function(*job)`` on a worker; hbac must be installed there, and on
            the scheduler.
        jobs: arguments, each with its place.
        scheduler: address, such as ``tcp://HOST:8786``; None for a cluster on this machine.

    Raises:
        OSError: if nobody listens at the address, or the scheduler ends before the work.
        RuntimeError: if the cluster lacks a module.
    """
    from distributed import Client, as_completed
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError

    with Client(scheduler, set_as_default=False) as client:
        futures = {client.submit(function, *job, pure=False): index for index, job in jobs}
        for future in as_completed(futures, loop=client.loop, raise_errors=False):
            try:
                result = _dask_result(future)
            except (FutureCancelledError, CommClosedError) as error:
                raise ConnectionError(
                    f"the cluster's scheduler ended, or can no longer be reached: {error}"
                ) from error
            yield futures.pop(future), result


def _call(function: Callable[..., Any], *job: Any) -> Any:
    """Call a function, whatever it is: Ray itself takes no ``functools.partial`` for one."""
    return function(*job)


@contextmanager
def _connected_to_ray(scheduler: str | None) -> Iterator[ModuleType]:
    """Be connected to Ray; what the block started ends with it."""
    import ray

    ours = not ray.is_initialized()
    if ours:
        ray.init(address=scheduler, log_to_driver=False)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def on_ray(
    function: Callable[..., Any], jobs: Jobs, scheduler: str | None
) -> Iterator[tuple[int, Any]]:
    """Work on a Ray cluster; arguments as of ``on_dask``.

    Args:
        function: see there.
        jobs: see there.
        scheduler: address, such as ``HOST:6379`` or ``auto``; None for this machine alone.
    """
    with _connected_to_ray(scheduler) as ray:
        remote = ray.remote(_call).options(max_retries=_REPEATS)
        died = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError)
        n_queued = int(_QUEUED_PER_CPU * ray.cluster_resources()["CPU"])
        queue = iter(jobs)
        running = {}
        while True:
            for index, job in islice(queue, n_queued - len(running)):
                running[remote.remote(function, *job)] = index
            if not running:
                return
            (done, *_), _ = ray.wait(list(running))
            try:
                result = ray.get(done)
            except died:
                result = WorkerDiedError()
            yield running.pop(done), result
