"""What else is made of a file than a partition.

By itself, since what is made counts the code that it is made with, which has no part in how
thousands of files are saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Together:
    """Makes one partition, and says what else is made from the same file.

    Attributes:
        task: what makes the partition.
        beside: by name, what makes the partition of the same id in another folder.
    """

    task: Callable[[], Any]
    beside: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def __call__(self) -> Any:
        """Make the partition."""
        return self.task()
