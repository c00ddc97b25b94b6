"""Runs the pipelines from anywhere as ``hbac`` or ``python -m hbac``, like ``kedro run``.

In the project's folder its own configuration is used, elsewhere the one that ships with the package
or that ``--conf-source`` names. Data, and the store of training runs, lie where it is run.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import click

from hbac.shipped import conf_source

_PACKAGE = Path(__file__).parent.name


def _project() -> Path | None:
    """The folder of hbac's own project, where the working directory lies in it."""
    from kedro.utils import find_kedro_project

    found = find_kedro_project(Path.cwd())
    if found is None:
        return None
    kedro = tomllib.loads((found / "pyproject.toml").read_text())["tool"]["kedro"]
    return found if kedro["package_name"] == _PACKAGE else None


class _Commands(click.Group):
    """Commands of which ``run`` is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args[:1] and args[0] in self.commands
        return super().parse_args(ctx, args if named else ["run", *args])


def main(*args: Any, **kwargs: Any) -> Any:
    """Run what the command line says; arguments as of ``click.Command.main``."""
    project = _project()
    if project is None:
        # Kedro reads it while it is imported.
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(conf_source() / "logging.yml"))
    from kedro.framework.cli.utils import find_run_command
    from kedro.framework.project import configure_project
    from kedro.framework.startup import bootstrap_project

    if project is None:
        configure_project(_PACKAGE)
        defaults = {"run": {"conf_source": str(conf_source())}}
    else:
        bootstrap_project(project)
        defaults = {}
    commands = {"run": find_run_command(_PACKAGE)}
    group = _Commands(_PACKAGE, commands=commands, context_settings={"default_map": defaults})
    return group(*args, **kwargs)


if __name__ == "__main__":
    main()
