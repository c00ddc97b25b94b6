import contextlib
import io
import logging
import os
import re
import sys
import threading
import time

import numpy as np
import pytest
import rich
from threadpoolctl import threadpool_info, threadpool_limits

from hbac.datasets import progress
from hbac.datasets.parallel import Workers

LOCAL = [("sequential", 1), ("threading", 2), ("loky", 1), ("loky", 2)]


def power(base, exponent):
    return base**exponent


def refuse(n):
    if n == 3:
        raise ZeroDivisionError(f"{n} is refused")
    return n


def process(_):
    time.sleep(0.05)
    return os.getpid()


def most_threads(seconds):
    np.linalg.inv(np.eye(2))
    time.sleep(seconds)
    return max(library["num_threads"] for library in threadpool_info())


def run(workers, function, jobs):
    return dict(workers.run(function, jobs, "test"))


@pytest.mark.parametrize(("backend", "n_jobs"), LOCAL)
def test_every_backend_gives_each_job_its_own_result(backend, n_jobs):
    jobs = [(2, n) for n in range(20)]
    assert run(Workers(n_jobs, backend), power, jobs) == {n: 2**n for n in range(20)}


@pytest.mark.parametrize(("backend", "n_jobs"), LOCAL)
def test_no_jobs_give_nothing(backend, n_jobs):
    assert run(Workers(n_jobs, backend), power, []) == {}


@pytest.mark.parametrize(("backend", "n_jobs"), LOCAL)
def test_an_error_of_the_function_itself_ends_the_run(backend, n_jobs):
    with pytest.raises(ZeroDivisionError, match="3 is refused"):
        run(Workers(n_jobs, backend), refuse, [(n,) for n in range(6)])
    assert run(Workers(n_jobs, backend), refuse, [(5,)]) == {0: 5}


def test_one_worker_is_the_process_itself():
    assert set(run(Workers(1), process, [(0,), (1,)]).values()) == {os.getpid()}


def test_more_workers_are_other_processes():
    pids = set(run(Workers(2), process, [(n,) for n in range(8)]).values())
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_results_come_while_others_are_at_work():
    results = Workers(2, "threading").run(time.sleep, [(1,), (0,), (0,)], "test")
    start = time.monotonic()
    assert next(results)[0] == 1
    assert time.monotonic() - start < 0.5
    assert sorted(index for index, _ in results) == [0, 2]


@pytest.mark.parametrize(("backend", "n_jobs"), LOCAL)
def test_a_worker_computes_on_one_thread(backend, n_jobs):
    with threadpool_limits(4):
        # The first is done while the second is still at work.
        threads = run(Workers(n_jobs, backend), most_threads, [(0,), (0.2,), (0,)])
        assert threads == {0: 1, 1: 1, 2: 1}
        assert most_threads(0) == 4


def test_the_environment_is_as_before():
    before = dict(os.environ)
    run(Workers(2), power, [(2, 1), (2, 2)])
    assert dict(os.environ) == before


def test_a_log_file_is_told_count_rate_and_time_left(caplog, capfd, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO, logger="hbac"):
        for _ in progress.track(range(4), 4, "train_eegs"):
            time.sleep(0.02)
    assert len(caplog.messages) == 4
    for done, line in enumerate(caplog.messages, 1):
        found = re.fullmatch(rf"train_eegs: {done} of 4, (\S+) a second, (\d+) s left", line)
        assert 5 < float(found[1]) <= 50
    assert found[2] == "0"
    assert not re.search(r"[\r\x1b]", "".join([*caplog.messages, *capfd.readouterr()]))


def test_the_time_left_is_that_of_the_rest_at_the_rate_so_far(caplog, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO, logger="hbac"):
        lines = progress.track(range(1001), 1001, "train_eegs")
        next(lines)
        time.sleep(0.1)
        next(lines)
    rate, left = map(float, re.findall(r"(\S+) a second, (\S+) s left", caplog.text)[0])
    assert left == pytest.approx(1000 / rate, rel=0.1)


def shown_on_a_terminal(write):
    """Call ``write`` with a real terminal; return what was sent to it."""
    received = []
    ours, theirs = os.openpty()

    def collect():
        # Linux raises when the last writer has closed its end.
        with contextlib.suppress(OSError):
            while data := os.read(ours, 4096):
                received.append(data)

    reader = threading.Thread(target=collect)
    reader.start()
    with os.fdopen(theirs, "w") as terminal:
        write(terminal)
    reader.join()
    os.close(ours)
    return b"".join(received).decode()


def work_for_a_while():
    for _ in progress.track(range(20), 20, "train_eegs"):
        time.sleep(0.03)


@pytest.fixture
def plain_rich(monkeypatch):
    monkeypatch.setattr(rich, "_console", None)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")


def test_a_terminal_shows_a_bar_with_rate_and_time_left(monkeypatch, plain_rich):
    def work(terminal):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "stderr", terminal)
            work_for_a_while()

    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown_on_a_terminal(work))
    assert re.search(r"train_eegs .* 20/20 \d\d\.\d a second 0:00:0\d left 0:00:00", shown)
    assert re.search(r" \d+/20 +\d\d\.\d a second .* left 0:00:0\d", shown)


def test_progress_is_seen_where_only_the_output_goes_to_a_file(monkeypatch, caplog, plain_rich):
    output = io.StringIO()

    def work(terminal):
        with monkeypatch.context() as patch, caplog.at_level(logging.INFO, logger="hbac"):
            patch.setattr(sys, "stdout", output)
            patch.setattr(sys, "stderr", terminal)
            work_for_a_while()

    shown = shown_on_a_terminal(work)
    assert "20 of 20" in caplog.text or "20/20" in shown
    assert output.getvalue() == ""
