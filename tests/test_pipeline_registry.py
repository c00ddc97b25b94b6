"""Pipelines are wired when they are looked into."""

import pytest
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Node, Pipeline

from hbac.pipeline_registry import WiredOnUse, register_pipelines
from tests.conftest import PROJECT


def double(x):
    return 2 * x


@pytest.fixture
def wirings():
    return []


@pytest.fixture
def deferred(wirings):
    def wire():
        wirings.append("wired")
        return Pipeline([Node(double, "x", "y", name="double")])

    return WiredOnUse(wire)


def test_it_is_wired_once_and_on_use(deferred, wirings):
    assert isinstance(deferred, Pipeline)
    assert wirings == []
    assert [node.name for node in deferred.nodes] == ["double"]
    assert deferred.inputs() == {"x"}
    assert wirings == ["wired"]


def test_it_adds_up_as_every_pipeline(deferred):
    other = Pipeline([Node(double, "y", "z", name="again")])
    for both in (deferred + other, other + deferred, Pipeline([deferred, other])):
        assert {node.name for node in both.nodes} == {"double", "again"}
    assert deferred.filter(node_names=["double"]).all_outputs() == {"y"}


def test_what_goes_wrong_is_told_each_time(wirings):
    def wire():
        wirings.append("tried")
        raise ValueError("no such fold")

    pipeline = WiredOnUse(wire)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such fold"):
            _ = pipeline.nodes
    assert wirings == ["tried", "tried"]


def test_what_no_pipeline_has_is_an_error(deferred):
    with pytest.raises(AttributeError, match="quux"):
        _ = deferred.quux


def test_every_pipeline_has_nodes():
    bootstrap_project(PROJECT)
    assert all(pipeline.nodes for pipeline in register_pipelines().values())
