"""The run of the network that is being trained, for whatever wants to log to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)


@contextmanager
def tolerated(what: str) -> Iterator[None]:
    """Say that something could not be logged, and go on: what it tells of lies on the disk."""
    try:
        yield
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("MLflow could not take %s, the run goes on without: %s", what, reason)
        logger.debug("Why MLflow could not take %s", what, exc_info=True)


@dataclass(frozen=True)
class Run:
    """A run by its id; MLflow's own active run is a thread's, this one is not."""

    client: Any
    run_id: str

    def log_metrics(
        self, metrics: Mapping[str, float], step: int = 0, model_id: str | None = None
    ) -> None:
        """Log numbers by name, in one call; with a model's id, as scores of the model too."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        batch = [
            Metric(name, float(value), now, step, model_id=model_id, run_id=self.run_id)
            for name, value in metrics.items()
        ]
        self.client.log_batch(self.run_id, metrics=batch)

    def log_params(self, params: dict[str, Any]) -> None:
        """Log values by name, in one call."""
        from mlflow.entities import Param

        batch = [Param(name, str(value)) for name, value in params.items()]
        self.client.log_batch(self.run_id, params=batch)


_current: ContextVar[Run | None] = ContextVar("current_run", default=None)


def current_run() -> Run | None:
    """Return the run of the network that is being trained, or None outside of one."""
    return _current.get()


def set_current_run(run: Run | None) -> None:
    """Name the run of the network that is being trained from now on."""
    _current.set(run)
