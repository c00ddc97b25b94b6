"""The one place that knows how work is spread over processes or a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import joblib
from threadpoolctl import threadpool_limits

from hbac.datasets.progress import track


@dataclass(frozen=True)
class Workers:
    """How many workers of which kind.

    Attributes:
        n_jobs: number of workers; -1 is one a core.
        backend: joblib's name of the backend: ``loky``, ``threading``, ``sequential``, or one
            that a cluster library registers, such as ``dask`` or ``ray``.
    """

    n_jobs: int = -1
    backend: str = "loky"

    def run(
        self, function: Callable[..., Any], jobs: Sequence[tuple], description: str
    ) -> Iterator[Any]:
        """Call ``function(*job)`` for every job; yield the results as they come, in any order.

        Every worker computes on one thread: BLAS threads inside worker processes were seen to
        make the work five times slower.
        """
        if not jobs:
            return
        processes = self.backend in ("loky", "dask", "ray")
        threads = {"inner_max_num_threads": 1} if self.backend == "loky" else {}
        n_jobs = min(joblib.effective_n_jobs(self.n_jobs), len(jobs))
        with (
            warnings.catch_warnings(),
            joblib.parallel_config(self.backend, n_jobs=n_jobs, **threads),
        ):
            # loky replaces a worker whose memory has grown, and repeats what it was at.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
            parallel = joblib.Parallel(return_as="generator_unordered", pre_dispatch="4*n_jobs")
            with nullcontext() if processes else threadpool_limits(1):
                results = parallel(joblib.delayed(function)(*job) for job in jobs)
                yield from track(results, len(jobs), description)
