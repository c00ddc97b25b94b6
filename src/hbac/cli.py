"""``kedro run`` as everywhere, but that ``--params`` takes lists: ``members=[DIR,DIR]``.

Kedro splits what is typed at every comma. It finds this file by its name, and so does ``hbac``.
"""

from __future__ import annotations

import re
from copy import copy
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from omegaconf import OmegaConf

_ITEM = re.compile(r"(?:[^,=]*=\[[^\]]*\]|[^,])+")
"""What stands between commas, those in the brackets of a list left out."""


def split_params(
    context: click.Context, option: click.Parameter, value: str | dict[str, Any]
) -> dict[str, Any]:
    """Read what was typed as ``NAME=VALUE,NAME=[VALUE,VALUE]``.

    Args:
        context: of the command.
        option: ``--params``.
        value: what was typed; values that were read already pass as they are.

    Returns:
        Nested by the dots of their names; values are read as YAML.
    """
    if isinstance(value, dict):
        return value
    items = [item.strip() for item in _ITEM.findall(value) if item.strip()]
    for item in items:
        if not item.partition("=")[1] or not item.partition("=")[0].strip():
            context.fail(f"--params takes NAME=VALUE, received {item!r}")
    pairs = [item.partition("=") for item in items]
    return OmegaConf.to_container(
        OmegaConf.from_dotlist([f"{name.strip()}={text}" for name, _, text in pairs])
    )


def _with_lists(option: click.Parameter) -> click.Parameter:
    if option.name != "params":
        return option
    changed = copy(option)
    changed.callback = split_params
    return changed


run = copy(kedro_run)
run.params = [_with_lists(option) for option in kedro_run.params]


@click.group()
def cli() -> None:
    """Commands of the project."""


cli.add_command(run)
