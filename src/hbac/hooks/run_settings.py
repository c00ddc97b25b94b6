"""Settings of a run, checked before anything is made of them: where it works, and with whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from fsspec.registry import get_filesystem_class, known_implementations

from hbac.hooks.command import FOLDERS
from hbac.hooks.refusal import GuardError

_BACKENDS = {
    "loky": None,
    "threading": None,
    "sequential": None,
    "dask": "distributed",
    "ray": "ray",
}
"""Each backend and the module that it needs."""

_CHOICES = {"on_error": ("quarantine", "raise"), "identify_by": ("modified", "content")}
_OVER_TCP = ("tcp", "tls")
_SECONDS_TO_ANSWER = 5.0


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse(name: str, value: Any, expected: str, remedy: str) -> GuardError:
    return GuardError(f"{name} must be {expected}, received {value!r}. Type --params {remedy}")


def _check_url(name: str, value: str) -> None:
    protocol, colon, rest = value.partition(":/")
    reason = None
    if rest.startswith("/"):
        try:
            get_filesystem_class(protocol.rpartition("::")[2])
        except (ValueError, ImportError) as error:
            reason = str(error)
    elif colon and protocol in known_implementations:
        reason = "a URL has two slashes after its colon"
    if reason:
        expected = f"a path, or a URL that can be opened ({reason})"
        raise _refuse(name, value, expected, f"{name}=PATH or {name}=s3://BUCKET/NAME")


def _check_folder(name: str, value: Any) -> None:
    if isinstance(value, os.PathLike):
        return
    if not isinstance(value, str):
        expected = "a path; YAML takes what was typed for something else"
        raise _refuse(name, value, expected, f"{name}=./NAME")
    if not value:
        raise _refuse(name, value, "a path or a URL", f"{name}=PATH")
    if value.startswith("~"):
        expected = "a path without ~, which the shell does not replace there"
        raise _refuse(name, value, expected, f'"{name}=$HOME/NAME"')
    _check_url(name, value)


def _check_numbers(values: Mapping[str, Any]) -> None:
    n_jobs, tolerated = values["n_jobs"], values.get("tolerated_failures", 0)
    if not (_is_whole(n_jobs) and n_jobs != 0):
        expected = "a whole number above 0, or -1 for a worker a core"
        raise _refuse("n_jobs", n_jobs, expected, "n_jobs=4")
    if not (_is_whole(tolerated) and tolerated >= 0):
        expected = "a whole number, 0 or more"
        raise _refuse("tolerated_failures", tolerated, expected, "tolerated_failures=3")
    rate = values["max_failure_rate"]
    if not ((_is_whole(rate) or isinstance(rate, float)) and 0 <= rate <= 1):
        expected = "a share from 0 to 1 (5 % is 0.05)"
        raise _refuse("max_failure_rate", rate, expected, "max_failure_rate=0.05")


def _check_choices(values: Mapping[str, Any]) -> None:
    for name, known in (*_CHOICES.items(), ("backend", tuple(_BACKENDS))):
        if values[name] not in known:
            expected = f"one of {', '.join(known)}"
            raise _refuse(name, values[name], expected, f"{name}={known[0]}")


def _check_cluster(values: Mapping[str, Any]) -> None:
    backend, scheduler = values["backend"], values["scheduler"]
    module = _BACKENDS[backend]
    if module is None and scheduler is not None:
        raise GuardError(
            f"scheduler={scheduler} has no effect with backend={backend}, which works on this "
            f"machine. Type --params backend=dask,scheduler={scheduler}, or leave scheduler out"
        )
    if module is not None and find_spec(module) is None:
        raise GuardError(
            f"backend={backend} needs the package {module}, which is not installed. Type "
            f'pip install -c constraints.txt -e ".[{backend}]", or leave backend out'
        )
    if scheduler is not None and not isinstance(scheduler, str):
        raise _refuse("scheduler", scheduler, "an address", "scheduler=tcp://HOST:8786")


def check_settings(values: Mapping[str, Any]) -> None:
    """Refuse a setting that cannot be meant.

    Args:
        values: the settings of ``globals.yml``, with those given at run time over them.

    Raises:
        GuardError: naming the setting, its value, what was expected and what to type.
    """
    for name in (*FOLDERS, "oof_predictions"):
        if name in values:
            _check_folder(name, values[name])
    _check_numbers(values)
    _check_choices(values)
    _check_cluster(values)


def check_scheduler(values: Mapping[str, Any]) -> None:
    """Refuse a scheduler of Dask's that nobody listens at.

    Args:
        values: see ``check_settings``.

    Raises:
        GuardError: naming the address, within seconds.
    """
    scheduler = values["scheduler"]
    if values["backend"] != "dask" or scheduler is None:
        return
    address = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    if address.scheme not in _OVER_TCP:
        return
    try:
        reached = address.hostname, address.port
    except ValueError:
        reached = None, None
    if None in reached:
        raise _refuse("scheduler", scheduler, "HOST:PORT", "scheduler=tcp://HOST:8786")
    try:
        socket.create_connection(reached, timeout=_SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise GuardError(
            f"nobody answers at scheduler={scheduler}: {error}. Start one by `dask scheduler`, or "
            "leave scheduler out to have a cluster of this machine's own"
        ) from error
