import gc

import pytest

from hbac.hooks.garbage import GarbageHook


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_the_collector_is_spared_what_is_there_and_left_as_it_was(end):
    before = gc.get_threshold(), gc.get_freeze_count()
    hook = GarbageHook()
    hook.before_pipeline_run()
    assert gc.get_freeze_count() > before[1] + 1000
    assert gc.get_threshold()[0] > before[0][0]
    getattr(hook, end)()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_a_notebook_that_only_opens_a_session_keeps_its_collector():
    before = gc.get_threshold(), gc.get_freeze_count()
    GarbageHook().after_context_created()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
