"""matplotlib as it ships, whatever the user's matplotlibrc says."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matplotlib import style

_using = threading.RLock()


@contextmanager
def default_style(changes: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw or save figures with matplotlib's own settings, and leave the user's as they were.

    Settings are the process's, so that one thread has them at a time.

    Args:
        changes: settings that differ from the defaults.
    """
    with _using, style.context(["default", dict(changes or {})]):
        yield
