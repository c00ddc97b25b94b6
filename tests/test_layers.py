"""kedro-viz drops the layers of a pipeline without a word where they run in a circle."""

from graphlib import TopologicalSorter

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from tests.conftest import PROJECT


@pytest.fixture(scope="module")
def catalog(monkeypatch_module):
    monkeypatch_module.chdir(PROJECT)
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT) as session:
        yield session.load_context().catalog


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def layer_of(catalog, name):
    # What is only in memory, and parameters, have none.
    metadata = getattr(catalog.get(name), "metadata", None) or {}
    return (metadata.get("kedro-viz") or {}).get("layer")


def layers_before(pipeline, catalog):
    """By layer, those that something in it is made from, seen through what has no layer."""
    made_from = {name: set() for name in pipeline.datasets()}
    for node in pipeline.nodes:
        for name in node.outputs:
            made_from[name] |= set(node.inputs)
    layers = {name: layer_of(catalog, name) for name in made_from}

    def before(name, seen):
        for source in made_from[name] - seen:
            seen.add(source)
            if layers[source]:
                yield layers[source]
            else:
                yield from before(source, seen)

    graph = {}
    for name, layer in layers.items():
        if layer:
            graph.setdefault(layer, set()).update(set(before(name, set())) - {layer})
    return graph


@pytest.mark.parametrize("name", ["__default__", "demo", "external_validation", "inference"])
def test_layers_run_from_raw_data_to_reports(name, catalog):
    graph = layers_before(pipelines[name], catalog)
    order = list(TopologicalSorter(graph).static_order())
    # What the test set's networks see has no layer, so inference alone has no model input.
    path = [layer for layer in ("01_raw", "05_model_input", "07_model_output") if layer in graph]
    assert ("05_model_input" in path) == (name != "inference")
    assert path == [layer for layer in order if layer in path]
    assert {"01_raw", "07_model_output"} <= set(path)
    assert graph["01_raw"] == set()


def test_layers_of_pretraining_run_from_windows_to_its_card(catalog):
    graph = layers_before(pipelines["pretraining"], catalog)
    order = list(TopologicalSorter(graph).static_order())
    assert order == ["05_model_input", "06_models", "07_model_output", "08_reporting"]
