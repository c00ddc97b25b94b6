"""How much Python's garbage collector looks through during a run."""

import gc

import click
from kedro.framework.hooks import hook_impl

_NEW_OBJECTS = 10_000
"""Objects after which the newest are looked through, instead of 700: there are as many files."""


def _spare() -> None:
    gc.set_threshold(_NEW_OBJECTS)
    gc.freeze()


def _as_before(threshold: int) -> None:
    gc.set_threshold(threshold)
    gc.unfreeze()


class GarbageHook:
    """Spares the collector what is there before the first node, which lives as long as the run.

    To look through libraries and configuration again and again took a quarter of a run over
    thousands of files that had nothing to do.
    """

    def __init__(self) -> None:
        self._threshold = gc.get_threshold()[0]

    @hook_impl
    def after_context_created(self) -> None:
        """Set aside what Kedro has loaded, where the process ends with the run."""
        if click.get_current_context(silent=True) is not None:
            _spare()

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Set aside what was loaded to wire pipelines."""
        _spare()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Leave the collector as it was."""
        _as_before(self._threshold)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the collector as it was after an error, too."""
        _as_before(self._threshold)
