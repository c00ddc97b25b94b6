"""Commands that can be pasted into a shell, of a run like this one."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project, is_kedro_project
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

FOLDERS = ("raw_dir", "data_dir", "models_dir", "recordings")
"""Settings that say where a run reads and writes."""


def _is_read_as(text: str, value: str) -> bool:
    """Whether ``--params`` takes a text for a value: split at commas, then read as YAML."""
    if "," in text or text != text.strip():
        return False
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist([f"name={text}"])) == {"name": value}
    except (ValueError, YAMLError, OmegaConfBaseException):
        return False


def spelled(value: Any) -> str:
    r"""Spell a value as ``kedro run --params NAME=`` reads it.

    A folder such as ``a, b`` or ``1e3`` is put into YAML's quotes, a comma there is ``\u002c``.
    """
    text = str(value)
    quoted = json.dumps(text, ensure_ascii=False).replace(",", "\\u002c")
    return next((way for way in (text, quoted) if _is_read_as(way, text)), text)


def _as_params(values: dict[str, Any]) -> list[str]:
    texts = [f"{name}={spelled(value)}" for name, value in values.items()]
    return ["--params", ",".join(texts)] if texts else []


@dataclass(frozen=True)
class Call:
    """How a run was called, as far as other commands must repeat it.

    Attributes:
        in_project: whether there is a project to which ``kedro`` speaks.
        env: configuration environment, if one was named.
        folders: where it was told to read and write.
    """

    in_project: bool = True
    env: str | None = None
    folders: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, context: Any) -> Call:
        """The call that led to a Kedro context."""
        given = context.config_loader.runtime_params or {}
        folders = tuple((name, given[name]) for name in FOLDERS if name in given)
        root = Path(context.project_path)
        in_project = is_kedro_project(root) or find_kedro_project(Path.cwd()) is not None
        return cls(in_project, getattr(context, "env", None), folders)

    def command(self, *words: str, **changes: Any) -> str:
        """A command in the same environment and on the same folders, quoted for a shell.

        Args:
            words: the command, such as ``kedro``, ``viz``, ``run``.
            changes: folders to name instead; those that are None are left out.
        """
        folders = dict(self.folders) | changes
        named = {name: value for name, value in folders.items() if value is not None}
        env = ["--env", self.env] if self.env else []
        return shlex.join([*words, *env, *_as_params(named)])

    def run(self, pipeline: str | None = None, **changes: Any) -> str:
        """The command that runs a pipeline; arguments as of ``command``."""
        words = ("kedro", "run") if self.in_project else ("hbac",)
        named = ("--pipeline", pipeline) if pipeline not in (None, "__default__") else ()
        return self.command(*words, *named, **changes)
