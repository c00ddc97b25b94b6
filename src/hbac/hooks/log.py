"""What is logged, the same wherever a session is opened from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.hooks import hook_impl
from kedro.framework.project import LOGGING

from hbac.shipped import conf_source

_FILE = "conf/logging.yml"


class LoggingHook:
    """Finds the project's logging for sessions that begin elsewhere, such as a notebook's.

    Kedro itself looks below the working directory alone.
    """

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Take the project's or the package's file, unless Kedro has found or was told of one."""
        if "KEDRO_LOGGING_CONFIG" not in os.environ and not Path(_FILE).exists():
            own = Path(context.project_path, _FILE)
            file = own if own.exists() else conf_source() / "logging.yml"
            LOGGING.configure(yaml.safe_load(file.read_text()))
