import statistics

import pytest

from hbac.registry import Registry


def test_what_is_named_is_imported_when_it_is_asked_for():
    things = Registry(mean="statistics:mean", none="no_such_module:thing")
    things["own"] = len
    assert list(things) == ["mean", "none", "own"]
    assert "none" in things
    assert things["mean"] is statistics.mean
    assert things["own"] is len
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        things["none"]
    with pytest.raises(KeyError, match="other"):
        things["other"]
