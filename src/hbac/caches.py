"""Where libraries keep what they have compiled and found, when a user's home is not writable.

As in a container whose user has no entry in passwd: numba then refuses to compile, and Matplotlib
and fontconfig complain in each process.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def _is_writable(folder: str) -> bool:
    """Whether files can be made in a folder, which is made if need be."""
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    return False


def _of_this_user(folder: Path) -> bool:
    """Whether a folder is this user's alone, since code is loaded from it."""
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _temporary() -> str | None:
    """A folder among the temporary ones that later runs of the same user find again."""
    folder = Path(tempfile.gettempdir(), f"hbac-caches-{os.getuid()}")
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if _of_this_user(folder):
            return str(folder)
        return tempfile.mkdtemp(prefix="hbac-caches-")
    return None


def place_caches() -> None:
    """Name a writable folder for caches where there is none, for this process and its children.

    What is set in the environment stays.
    """
    home = os.path.expanduser("~")
    usual = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    # Without a home, "~" would become a folder of that name where the run was started.
    if os.path.isabs(usual) and _is_writable(usual):
        return
    folder = _temporary()
    if folder is not None:
        os.environ["XDG_CACHE_HOME"] = folder
        os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(folder, "numba"))
        os.environ.setdefault("MPLCONFIGDIR", os.path.join(folder, "matplotlib"))
