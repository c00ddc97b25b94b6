import os
import subprocess
import sys
import time

import pytest

from hbac.tracking import process
from hbac.tracking.process import TAG, end_abandoned_runs, process_tag
from hbac.tracking.store import connect

HERE = process_tag()[TAG].split(" ")


def tagged(place=HERE[1], pid=HERE[2], start=HERE[3]):
    return {TAG: f"{HERE[0]} {place} {pid} {start}"}


@pytest.fixture
def status_of(root):
    """What a sweep makes of a run that began some seconds ago and last gave a sign later on."""
    client, experiment = connect(root)

    def sweep(tags, *, began=0, sign=None, parent=None):
        now = time.time()
        tags = tags | ({"mlflow.parentRunId": parent} if parent else {})
        run = client.create_run(experiment, round((now - began) * 1000), tags).info.run_id
        if sign is not None:
            name, stamp = "system/cpu_utilization_percentage", round((now - sign) * 1000)
            client.log_metric(run, name, 50, timestamp=stamp)
        end_abandoned_runs(client, experiment)
        return run, client.get_run(run).info.status

    return sweep


def test_a_live_process_keeps_its_run(status_of):
    assert status_of(process_tag(), began=1e6)[1] == "RUNNING"


def test_a_process_that_is_gone_is_told_from_another_of_its_number(status_of):
    assert status_of(tagged(start=str(int(HERE[3]) - 1)))[1] == "KILLED"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert status_of(tagged(pid=str(gone.pid)))[1] == "KILLED"


def test_a_clock_that_is_set_does_not_make_a_process_another(monkeypatch):
    monkeypatch.setattr(process.psutil, "boot_time", lambda: 0)
    assert process_tag()[TAG].split(" ") == HERE
    assert process._has_process(HERE[2], HERE[3])


def test_another_container_of_the_same_name_is_believed_while_it_gives_signs(status_of):
    # Its process 1 is none of ours, whatever ours does.
    other = tagged(place="other/pid:[1]", pid=str(os.getpid()), start="1")
    parent, status = status_of(other, began=1e5, sign=30)
    assert status == "RUNNING"
    assert status_of(other, began=1e5, parent=parent)[1] == "RUNNING"
    assert status_of(other, began=30)[1] == "RUNNING"
    assert status_of(other, began=1e5, sign=3600)[1] == "KILLED"
