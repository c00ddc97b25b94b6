"""Which process a run belongs to, and what becomes of runs whose process is gone."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path

import psutil

TAG = "hbac.process"

_HEARTBEAT = "system/cpu_utilization_percentage"
_SECONDS_WITHOUT_SIGN = 600


def _start_of(pid: int) -> str:
    """When a process started, in a unit that a corrected clock doesn't move.

    Raises:
        psutil.NoSuchProcess: if there is none of that number.
    """
    try:
        # Behind the command, which may hold anything: ticks since the machine's start.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return str(round(psutil.Process(pid).create_time()))


@cache
def _place() -> str:
    """Where numbers of processes mean the same: one start of a machine, and of a container in it.

    Containers may share a host's name, and have each a process of number 7.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "-"


def process_tag() -> dict[str, str]:
    """Tag that tells which process a run belongs to, even once its number is another's."""
    pid = os.getpid()
    return {TAG: f"{socket.gethostname()} {_place()} {pid} {_start_of(pid)}"}


def _has_process(pid: str, start: str) -> bool:
    try:
        return _start_of(int(pid)) == start
    except (psutil.NoSuchProcess, ValueError):
        return False


def _last_sign(client, run) -> float:
    """When a run, or the one that it is part of, last told the load of its machine; seconds."""
    run_id = run.data.tags.get("mlflow.parentRunId", run.info.run_id)
    signs = [sample.timestamp for sample in client.get_metric_history(run_id, _HEARTBEAT)]
    return max([run.info.start_time, *signs]) / 1000


def _is_alive(client, run) -> bool:
    """Whether a run still has its process; where that can't be seen, whether it gave a sign."""
    _, *place, pid, start = run.data.tags[TAG].split(" ")
    if place == [_place()]:
        return _has_process(pid, start)
    return time.time() - _last_sign(client, run) < _SECONDS_WITHOUT_SIGN


def end_abandoned_runs(client, experiment_id: str) -> None:
    """Mark as killed what claims to be running on a machine of this name and has no process."""
    running = client.search_runs(
        [experiment_id],
        f"attributes.status = 'RUNNING' and tags.`{TAG}` LIKE '{socket.gethostname()} %'",
    )
    for run in running:
        if not _is_alive(client, run):
            client.set_terminated(run.info.run_id, "KILLED")
