import gc
import subprocess
import sys

import click
import pytest

from hbac.hooks import GarbageHook


@pytest.fixture
def before():
    """The collector's settings, which tests that ran before may have changed."""
    gc.unfreeze()
    return gc.get_threshold()


def test_the_collector_is_spared_what_is_there_until_the_command_ends(before):
    with click.Context(click.Group("kedro")) as group, click.Context(click.Command("run"), group):
        GarbageHook().after_context_created()
        frozen = gc.get_freeze_count()
        assert frozen > 1000
        assert gc.get_threshold()[0] > 5000
        made = [[] for _ in range(100)]
        GarbageHook().before_pipeline_run()
        assert gc.get_freeze_count() >= frozen + len(made)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


AT_EXIT = """
import atexit, gc, click
from hbac.hooks import GarbageHook
atexit.register(lambda: print(gc.get_freeze_count()))
with click.Context(click.Group("kedro")):
    GarbageHook().after_context_created()
print(gc.get_freeze_count())
"""


def test_what_is_left_when_the_process_ends_is_not_looked_through():
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True)
    after_the_command, at_the_end = map(int, done.stdout.split())
    assert after_the_command == 0
    assert at_the_end > 1000


def test_a_notebook_that_opens_a_session_keeps_its_collector(before):
    GarbageHook().after_context_created()
    GarbageHook().before_pipeline_run()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
