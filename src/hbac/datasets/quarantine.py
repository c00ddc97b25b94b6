"""What becomes of work that fails: it is set aside with its reason, up to a limit."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from kedro.io.core import AbstractDataset, DatasetError

logger = logging.getLogger(__name__)

COLUMNS = ["partition", "reason", "traceback"]
_N_NAMED = 3


@dataclass(frozen=True)
class Failure:
    """Why a partition, or a row of a stack, could not be made.

    Attributes:
        reason: the error's message.
        traceback: where it was raised.
        storage: whether the folder could not be written to, which is no fault of the partition.
    """

    reason: str
    traceback: str
    storage: bool = False


class Quarantine:
    """Sets aside what failed, in a table, and ends the run where too much did.

    Args:
        failures: definition of the dataset that takes the table (columns partition, reason,
            traceback), or None for no table.
        on_error: ``quarantine`` sets what failed aside, ``raise`` ends the run.
        max_failure_rate: share, 0 to 1, past which the run fails all the same.
        tolerated_failures: number that may fail whatever their share; never all.
    """

    def __init__(
        self,
        failures: dict[str, Any] | None = None,
        on_error: Literal["raise", "quarantine"] = "quarantine",
        max_failure_rate: float = 0.0,
        tolerated_failures: int = 0,
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
        if on_error not in ("raise", "quarantine"):
            raise ValueError(
                f"on_error must be one of ('raise', 'quarantine'), received {on_error!r}"
            )
        self._table = failures and AbstractDataset.from_config("failures", failures)
        self._on_error = on_error
        self._max_failure_rate = max_failure_rate
        self._tolerated_failures = tolerated_failures

    def report(self, path: str, name: str, failure: Failure) -> None:
        """Log a failure.

        Args:
            path: what could not be made, as the user knows it.
            name: what it is called in the table.
            failure: why.

        Raises:
            DatasetError: if failures are to end the run.
        """
        if self._on_error == "raise":
            self._save({name: failure})
            raise DatasetError(f"{path} could not be made: {failure.reason}\n{failure.traceback}")
        logger.error("%s set aside: %s", path, failure.reason)

    def _save(self, failures: Mapping[str, Failure]) -> None:
        if self._table is not None:
            rows = [
                (name, failure.reason, failure.traceback)
                for name, failure in sorted(failures.items())
            ]
            self._table.save(pd.DataFrame(rows, columns=COLUMNS))

    def settle(self, failures: Mapping[str, Failure], n: int, *, of: str) -> None:
        """Table all failures.

        Args:
            failures: by the name of what failed.
            n: how many there were to make.
            of: what they are, such as ``partitions of FOLDER``.

        Raises:
            DatasetError: if more failed than may.
        """
        self._save(failures)
        tolerated = min(self._tolerated_failures, n - 1)
        if len(failures) > max(self._max_failure_rate * n, tolerated):
            first = sorted(failures.items())[:_N_NAMED]
            named = "\n".join(f"  {name}: {failure.reason}" for name, failure in first)
            never = " (never all)" if tolerated < self._tolerated_failures else ""
            raise DatasetError(
                f"{len(failures)} of {n} {of} failed, more than "
                f"max_failure_rate = {self._max_failure_rate:g} and tolerated_failures = "
                f"{self._tolerated_failures}{never} allow"
                + (f"; all are listed in {self._table._filepath}" if self._table else "")
                + f". Mend them, or allow more. The first:\n{named}"
            )
