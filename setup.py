"""Puts conf into the wheel, so that the package runs anywhere; all else is in pyproject.toml."""

from pathlib import Path
from shutil import copytree, rmtree

from setuptools import setup
from setuptools.command.build_py import build_py


def _private(folder: str, names: list[str]) -> list[str]:
    """What belongs to one machine or one user, and stays there."""
    if Path(folder).name == "local":
        return [name for name in names if name != ".gitkeep"]
    return [name for name in names if name.startswith("credentials")]


class BuildWithConf(build_py):
    """Copies the configuration beside the code, but where the code itself is installed in place."""

    def run(self) -> None:
        """Build, and copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "hbac", "conf")
            rmtree(target, ignore_errors=True)
            copytree("conf", target, ignore=_private)


setup(cmdclass={"build_py": BuildWithConf})
