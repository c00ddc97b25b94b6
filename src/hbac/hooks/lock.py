"""One run at a time writes to a folder."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import signal
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

logger = logging.getLogger(__name__)

HOLDER = ".hbac-run.json"

_S3 = ("s3", "s3a")

_SECONDS_BETWEEN_RENEWALS = 30.0
_SECONDS_UNTIL_VOID = 180.0
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


def _stop_this_run() -> None:
    """End what the main thread is at, as Ctrl+C would, or in the background ``kill``."""
    heard = callable(signal.getsignal(signal.SIGINT))
    number = signal.SIGINT if heard else signal.SIGTERM
    signal.pthread_kill(threading.main_thread().ident, number)


def _is_unmet(error: OSError) -> bool:
    """Whether S3 did not write since the object is no longer what was to be replaced."""
    said = getattr(error.__cause__, "response", {}).get("Error", {})
    return said.get("Code") in ("PreconditionFailed", "ConditionalRequestConflict")


class Lease:
    """A lock on S3: an object that one run alone can create, and renews.

    A run that was killed leaves it behind; it is void once it has not been renewed for some
    minutes, and the next run takes it over. Every write of it names what is to be replaced, so
    that of several runs one gets it, and a run that was stopped or cut off for so long that
    another has taken over hears of it with its next renewal and ends.

    Args:
        folder: what is locked.

    Raises:
        GuardError: if another run holds it; the message says which.
    """

    def __init__(self, folder: UPath):
        self._folder, self._fs, self._path = folder, folder.fs, (folder / HOLDER).path
        self._described, self._renewals = _describe_run(), 0
        try:
            self._write(mode="create")
        except FileExistsError as error:
            self._take_over(error)
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)
        self._renewal.start()

    def _write(self, **condition: str) -> None:
        # Each content is another, and so is its ETag.
        content = self._described | {"renewals": self._renewals}
        try:
            written = self._fs.pipe_file(self._path, json.dumps(content).encode(), **condition)
        except OSError as error:
            if _is_unmet(error):
                raise FileExistsError(self._path) from error
            raise
        self._etag, self._renewals = written["ETag"], self._renewals + 1

    def _void(self) -> str | None:
        """What tells a lease that has not been renewed for too long from all others, or None."""
        self._fs.invalidate_cache()
        found = self._fs.info(self._path)
        age = time.time() - found["LastModified"].timestamp()
        return found["ETag"] if age > _SECONDS_UNTIL_VOID else None

    def _take_over(self, error: FileExistsError) -> None:
        try:
            etag = self._void()
            if etag is None:
                raise _refuse(self._folder, _WHEN_VOID) from error
            self._write(IfMatch=etag)
        except (FileExistsError, FileNotFoundError) as rival:
            raise _refuse(self._folder, _WHEN_VOID) from rival

    def _renew(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_RENEWALS):
            try:
                self._write(IfMatch=self._etag)
            except (FileExistsError, FileNotFoundError):
                logger.error("%s; this run ends", _refuse(self._folder))
                _stop_this_run()
                return
            except Exception as error:
                # A store that cannot be reached for a moment may be reached the next time.
                logger.warning("the lock on %s is not renewed: %s", self._folder, error)

    def release(self) -> None:
        """Let the next run in."""
        self._ended.set()
        self._renewal.join()
        # One that cannot be removed is void soon; what the run has made stays made.
        with contextlib.suppress(Exception):
            self._write(IfMatch=self._etag)
            self._fs.rm_file(self._path)


def lock(folder: UPath) -> LocalLock | Lease | None:
    """Lock a folder on this machine or on S3; one on another store is not locked.

    Args:
        folder: what is locked.

    Raises:
        GuardError: if another run holds it; the message says which.
    """
    if isinstance(folder, os.PathLike):
        return LocalLock(folder)
    if folder.protocol in _S3:
        return Lease(folder)
    logger.warning(
        "%s is not locked, as folders on this machine and on S3 are: see to it that no other run "
        "writes to it meanwhile",
        folder,
    )
    return None


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
                    held = lock(folder)
                    locks.callback(held.release if held else int)
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
