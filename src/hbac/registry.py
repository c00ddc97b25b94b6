"""Things known by name before they are imported."""

from __future__ import annotations

import pkgutil
from collections import UserDict
from typing import Any


class Registry(UserDict):
    """A dictionary in which ``module:name`` stands for what is there."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return pkgutil.resolve_name(value) if isinstance(value, str) else value
