"""What is left to do when a notebook's cell ends, by its stop button too."""

from __future__ import annotations

import sys
from collections.abc import Callable


def after_cell(callback: Callable[[], None]) -> None:
    """Call something once at the end of the cell that runs, however it ends; nothing elsewhere.

    Kedro tells hooks of errors, but not of ``KeyboardInterrupt``, after which a notebook lives on.

    Args:
        callback: does no harm where there is nothing left to do.
    """
    # Nobody has a cell who has not imported it.
    shell = "IPython" in sys.modules and sys.modules["IPython"].get_ipython()
    if not shell:
        return

    def once(*_) -> None:
        shell.events.unregister("post_run_cell", once)
        callback()

    shell.events.register("post_run_cell", once)
