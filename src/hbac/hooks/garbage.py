"""How much Python's garbage collector looks through during a run."""

import atexit
import gc
from functools import partial

import click
from kedro.framework.hooks import hook_impl

_NEW_OBJECTS = 200_000
"""Objects after which the newest are looked through, more than a large label table has rows."""


def _leave_as(threshold: int) -> None:
    gc.set_threshold(threshold)
    gc.unfreeze()


class GarbageHook:
    """Spares the collector, during a command, what is there before the first node.

    That lives as long as the run, and to look through libraries and configuration again and again
    took a quarter of a run over thousands of files that had nothing to do; to take them apart when
    the process ends, which gives all its memory back anyway, took a tenth. Where a session is
    opened by other code, as in a notebook, the collector is left alone.
    """

    @hook_impl
    def after_context_created(self) -> None:
        """Set aside what Kedro has loaded, until the command ends."""
        command = click.get_current_context(silent=True)
        if command is not None:
            command.find_root().call_on_close(partial(_leave_as, gc.get_threshold()[0]))
            gc.set_threshold(_NEW_OBJECTS)
            gc.freeze()
            atexit.register(gc.freeze)

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Set aside what was loaded to wire pipelines."""
        if click.get_current_context(silent=True) is not None:
            gc.freeze()
