"""Runs the pipelines from anywhere as ``hbac`` or ``python -m hbac``, like ``kedro run``.

``hbac read FILE_OR_FOLDER --out DIR`` runs the pipeline ``recordings``.

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


def _read_command(run: click.Command, defaults: dict[str, Any]) -> click.Command:
    """The command that runs the pipeline ``recordings``, as ``run`` would."""

    @click.command()
    @click.argument("recordings", type=click.Path(exists=True, resolve_path=True))
    @click.option(
        "--out", type=click.Path(file_okay=False, resolve_path=True), required=True, metavar="DIR"
    )
    @click.option("--models-dir", type=click.Path(exists=True, resolve_path=True), metavar="DIR")
    @click.option("--params", default="", metavar="NAME=VALUE,...", help="as of run")
    def read(recordings: str, out: str, models_dir: str | None, params: str) -> None:
        """Predict along a recording, or all recordings of a folder; what is made lies in DIR."""
        from hbac.hooks.command import spelled

        named = {"recordings": recordings, "data_dir": out, "models_dir": models_dir}
        given = [f"{name}={spelled(value)}" for name, value in named.items() if value is not None]
        words = [
            "--pipeline",
            "recordings",
            "--params",
            ",".join([*given, *filter(None, [params])]),
        ]
        run.main(words, prog_name=_PACKAGE, default_map=defaults.get("run"))

    return read


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
    run = find_run_command(_PACKAGE)
    commands = {"run": run, "read": _read_command(run, defaults)}
    group = _Commands(_PACKAGE, commands=commands, context_settings={"default_map": defaults})
    return group(*args, **kwargs)


if __name__ == "__main__":
    main()
