"""Work on a cluster: each function yields the place of a job and what it returned.

A job whose worker dies is repeated by the cluster on another one; where that too dies, as often
as the cluster is set to try, what comes is a ``WorkerDiedError``. joblib's own Dask backend waits
for such a job without end, and its Ray backend hands over no result before the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
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


def on_dask(
    function: Callable[..., Any], jobs: Jobs, scheduler: str | None
) -> Iterator[tuple[int, Any]]:
    """Work on a Dask cluster.

    Args:
        function: called as ``function(*job)`` on a worker, which must have hbac installed.
        jobs: arguments, each with its place.
        scheduler: address, such as ``tcp://HOST:8786``; None for a cluster on this machine.

    Raises:
        OSError: if nobody listens at the address.
    """
    from distributed import Client, KilledWorker, as_completed

    with Client(scheduler, set_as_default=False) as client:
        futures = {client.submit(function, *job, pure=False): index for index, job in jobs}
        for future in as_completed(futures, loop=client.loop, raise_errors=False):
            error = future.exception() if future.status == "error" else None
            if isinstance(error, KilledWorker):
                yield futures.pop(future), WorkerDiedError()
            else:
                # An error that the function did not return is the cluster's, and ends the run.
                yield futures.pop(future), future.result()


def on_ray(
    function: Callable[..., Any], jobs: Jobs, scheduler: str | None
) -> Iterator[tuple[int, Any]]:
    """Work on a Ray cluster; arguments as of ``on_dask``.

    Args:
        function: see there.
        jobs: see there.
        scheduler: address, such as ``HOST:6379`` or ``auto``; None for this machine alone.
    """
    import ray

    ray.init(address=scheduler, ignore_reinit_error=True, log_to_driver=False)
    remote = ray.remote(function).options(max_retries=_REPEATS)
    queue = iter(jobs)
    running = {}
    n_queued = int(_QUEUED_PER_CPU * ray.cluster_resources()["CPU"])
    while True:
        for index, job in islice(queue, n_queued - len(running)):
            running[remote.remote(*job)] = index
        if not running:
            return
        (done, *_), _ = ray.wait(list(running))
        try:
            result = ray.get(done)
        except ray.exceptions.WorkerCrashedError:
            result = WorkerDiedError()
        yield running.pop(done), result
