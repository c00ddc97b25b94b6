"""One run at a time writes to a folder."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock, Timeout
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from upath import UPath

from hbac.cells import after_cell
from hbac.hooks.location import data_folders, is_inside, location_of
from hbac.hooks.refusal import GuardError

HOLDER = ".hbac-run.json"

_SECONDS_BETWEEN_RENEWALS = 30.0
_SECONDS_UNTIL_VOID = 180.0
_SECONDS_FOR_RIVALS = 2.0
_WHEN_VOID = f" (if it was killed, {_SECONDS_UNTIL_VOID / 60:.0f} minutes from then)"


def _describe_run() -> dict[str, Any]:
    return {
        "token": uuid.uuid4().hex,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _refuse(folder: UPath, when_void: str = "") -> GuardError:
    try:
        holder = json.loads((folder / HOLDER).read_text())
        who = "{command} (process {pid} on {host}, since {started})".format_map(holder)
    except (OSError, ValueError, KeyError):
        who = "another run"
    return GuardError(
        f"{folder} is being written to by {who}. Wait for its end{when_void}, or give this run a "
        "folder of its own: --params data_dir=PATH"
    )


class LocalLock:
    """A lock of the operating system's, which is free again as soon as its holder has ended.

    Args:
        folder: what is locked.

    Raises:
        GuardError: if another run holds it; the message says which.
    """

    def __init__(self, folder: UPath):
        folder.mkdir(parents=True, exist_ok=True)
        self._holder = folder / HOLDER
        self._lock = FileLock(str(folder / ".hbac.lock"))
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise _refuse(folder) from error
        self._holder.write_text(json.dumps(_describe_run()))

    def release(self) -> None:
        """Let the next run in."""
        self._holder.unlink(missing_ok=True)
        self._lock.release()


class Lease:
    """A lock on an object store: an object that one run alone can create, and renews.

    A run that was killed leaves it behind; it is void once it has not been renewed for some
    minutes.

    Args:
        folder: what is locked.

    Raises:
        GuardError: if another run holds it; the message says which.
    """

    def __init__(self, folder: UPath):
        self._fs, self._path = folder.fs, (folder / HOLDER).path
        self._content = json.dumps(_describe_run()).encode()
        was_void = self._is_void()
        if was_void:
            self._remove()
        try:
            self._fs.pipe_file(self._path, self._content, mode="create")
        except FileExistsError as error:
            raise _refuse(folder, _WHEN_VOID) from error
        if was_void:
            # Another run may have found it void as well, and have removed this run's.
            time.sleep(_SECONDS_FOR_RIVALS)
            if not self._is_ours():
                raise _refuse(folder, _WHEN_VOID)
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)
        self._renewal.start()

    def _is_void(self) -> bool:
        self._fs.invalidate_cache()
        try:
            return time.time() - self._fs.modified(self._path).timestamp() > _SECONDS_UNTIL_VOID
        except FileNotFoundError:
            return False

    def _is_ours(self) -> bool:
        try:
            return self._fs.cat_file(self._path) == self._content
        except FileNotFoundError:
            return False

    def _remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path)

    def _renew(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_RENEWALS):
            # A store that cannot be reached for a moment may be reached the next time.
            with contextlib.suppress(Exception):
                if self._is_ours():
                    self._fs.pipe_file(self._path, self._content)

    def release(self) -> None:
        """Let the next run in."""
        self._ended.set()
        self._renewal.join()
        # One that cannot be removed is void soon; what the run has made stays made.
        with contextlib.suppress(Exception):
            if self._is_ours():
                self._remove()


def lock(folder: UPath) -> LocalLock | Lease:
    """Lock a folder, wherever it lies."""
    return LocalLock(folder) if isinstance(folder, os.PathLike) else Lease(folder)


class LockHook:
    """Locks, for the time of a run, the folders that it writes to."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        # Kedro tells no hook that a run was interrupted.
        atexit.register(self._release)

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Find out where the data lies."""
        self._release()
        self._folders = data_folders(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Lock ``data_dir``, ``models_dir`` and ``raw_dir`` where an output lies in them."""
        written = [location_of(catalog.get(name)) for name in pipeline.all_outputs()]
        with contextlib.ExitStack() as locks:
            for folder in self._folders:
                if any(path is not None and is_inside(path, folder) for path in written):
                    locks.callback(lock(folder).release)
            self._held = locks.pop_all()
        after_cell(self._release)

    def _release(self) -> None:
        self._held.close()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Unlock."""
        self._release()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Unlock."""
        self._release()
