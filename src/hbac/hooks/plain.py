"""A run that its data end: at the command line, the message without Python's traceback."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import click
from kedro.framework.hooks import hook_impl
from kedro.io import DatasetError

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parents[1]


def _is_raised_here(error: BaseException) -> bool:
    """Whether the package itself raised an error, and did not merely let it pass."""
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    return any(
        Path(frame.filename).is_relative_to(_PACKAGE) and (frame.line or "").startswith("raise ")
        for frame in frames
    )


def _is_of_the_data(error: Exception) -> bool:
    # Kedro's catalog puts a dataset's name before what the dataset says.
    named = error.__cause__ if isinstance(error, DatasetError) else None
    return isinstance(error, DatasetError | ValueError | FileNotFoundError) and any(
        _is_raised_here(one) for one in (error, named) if one is not None
    )


class PlainHook:
    """Ends a command with what an error says, where the project has worded it for its users."""

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise the message alone, once other hooks have seen the error; DEBUG logs the rest."""
        if click.get_current_context(silent=True) is None or not _is_of_the_data(error):
            return
        logger.debug("Where it was raised", exc_info=error)
        raise click.ClickException(str(error)) from error
