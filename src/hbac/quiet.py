"""Imports Keras as it ships, without the lines that its backend writes on start-up.

Nobody can act on these. TensorFlow's C++ libraries write them before their log is set up, so that
no log level holds them back. They are taken out of the standard error; all else that is written
there stays.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from hbac.keras_defaults import choose_backend, name_the_file, restore_defaults

_NOISE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|I0000 |To enable the following "
)
_STANDARD_ERROR = 2
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@contextmanager
def _without_noise() -> Iterator[None]:
    """Hold back the standard error, and write at the end what of it is no noise."""
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # a process may have none
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STANDARD_ERROR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _NOISE.match(line):
                    os.write(_STANDARD_ERROR, line)


class _QuietFinder(MetaPathFinder):
    """Finds one module, the first time that it is imported, and lets it load without noise."""

    def __init__(self, name: str):
        self._name = name

    def find_spec(self, fullname: str, path=None, target=None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module: ModuleType) -> None:
                choose_backend()
                try:
                    with _without_noise():
                        execute(module)
                except ValueError as error:
                    raise name_the_file(error) from error
                restore_defaults(module)

            spec.loader.exec_module = execute_quietly
        return spec


def quieten_backend() -> None:
    """Let the next import of Keras, and TensorFlow's search for a GPU that isn't there, be silent.

    With an NVIDIA driver TensorFlow's errors are shown: there they mean something. See
    ``hbac.keras_defaults`` for what else happens on that import.

    Raises:
        RuntimeError: as ``restore_defaults``.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if _NVIDIA_DRIVER.exists() else "3")
    if "keras" in sys.modules:
        restore_defaults(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _QuietFinder("keras"))
