import logging

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import CSVDataset

from hbac.hooks.absent import AbsentHook, fill_absent, may_be_absent
from hbac.hooks.guard import GuardError, check_inputs
from hbac.pipelines.tags import TAKES_WHAT_IS_THERE


def tell(table, other=None):
    return "nothing" if table is None else f"{len(table)} rows"


def take(table):
    return table


TELLS = Node(tell, "table", "told", name="tell", tags=TAKES_WHAT_IS_THERE)
NEEDS = Node(take, "table", "taken", name="take")


@pytest.fixture
def catalog(tmp_path):
    return DataCatalog({"table": CSVDataset(filepath=str(tmp_path / "table.csv"))})


def run(pipeline, catalog):
    AbsentHook().before_pipeline_run(pipeline, catalog)
    return SequentialRunner().run(pipeline, catalog)["told"].load()


def test_what_was_never_made_is_none(catalog):
    assert run(Pipeline([TELLS]), catalog) == "nothing"


def test_what_is_there_is_loaded(catalog, tmp_path):
    (tmp_path / "table.csv").write_text("a\n1\n2\n")
    assert run(Pipeline([TELLS]), catalog) == "2 rows"


def test_kedro_does_not_warn_of_it(catalog, caplog):
    with caplog.at_level(logging.WARNING):
        assert fill_absent(Pipeline([TELLS]), catalog) == ["table"]
        assert caplog.records == []
        catalog["table"] = MemoryDataset(1)
    assert [record.getMessage() for record in caplog.records] == ["Replacing dataset 'table'"]


def test_what_another_node_needs_must_be_there(catalog, tmp_path):
    pipeline = Pipeline([TELLS, NEEDS])
    assert may_be_absent(pipeline) == set()
    assert fill_absent(pipeline, catalog) == []
    with pytest.raises(GuardError, match="table"):
        check_inputs(pipeline, catalog, tmp_path / "raw")


def test_the_guard_lets_it_be_absent(catalog, tmp_path):
    check_inputs(Pipeline([TELLS]), catalog, tmp_path / "raw")


def test_parameters_must_be_there():
    node = Node(tell, ["table", "params:other"], "told", name="tell", tags=TAKES_WHAT_IS_THERE)
    assert may_be_absent(Pipeline([node])) == {"table"}


def test_what_comes_beside_the_output_of_another_node_is_waited_for(tmp_path):
    beside = CSVDataset(
        filepath=str(tmp_path / "failures.csv"), metadata={"hbac": {"made_with": "taken"}}
    )
    tells = Node(tell, ["failures", "taken"], "told", name="tell", tags=TAKES_WHAT_IS_THERE)
    catalog = DataCatalog({"failures": beside, "table": MemoryDataset(1)})
    assert fill_absent(Pipeline([tells, NEEDS]), catalog) == []
    assert fill_absent(Pipeline([tells]), catalog) == ["failures"]
