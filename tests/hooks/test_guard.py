from contextlib import nullcontext

import numpy as np
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import CSVDataset
from upath import UPath

from hbac.datasets import LabelsDataset, ParallelPartitionedDataset, simulated
from hbac.hooks.command import Call
from hbac.hooks.guard import GuardError, check_inputs, check_outputs


def same(data):
    return data


PIPELINE = Pipeline([Node(same, "source", "target")])


def catalog(source, target):
    return DataCatalog(
        {"source": CSVDataset(filepath=str(source)), "target": CSVDataset(filepath=str(target))}
    )


def test_a_raw_dir_with_foreign_data_is_never_written_to(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "train.csv").write_text("precious")
    with pytest.raises(GuardError, match=r"raw/out\.csv, but hbac did not make"):
        check_outputs(PIPELINE, catalog(tmp_path / "in.csv", raw / "out.csv"), raw, Call())
    assert [entry.name for entry in raw.iterdir()] == ["train.csv"]


def test_a_data_dir_inside_a_foreign_raw_dir_is_refused(tmp_path):
    raw = tmp_path / "raw"
    (raw / "train_eegs").mkdir(parents=True)
    deep = raw / "work/02_intermediate/out.csv"
    with pytest.raises(GuardError, match="never writes to such"):
        check_outputs(PIPELINE, catalog(tmp_path / "in.csv", deep), raw, Call())


def test_a_link_to_a_foreign_raw_dir_is_seen_through(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "train.csv").write_text("precious")
    (tmp_path / "link").symlink_to(raw)
    with pytest.raises(GuardError, match="never writes to such"):
        check_outputs(
            PIPELINE, catalog(tmp_path / "in.csv", tmp_path / "link/out.csv"), raw, Call()
        )


def test_a_new_raw_dir_may_be_written_to_and_is_left_as_it_is(tmp_path):
    raw = tmp_path / "raw"
    check_outputs(PIPELINE, catalog(tmp_path / "in.csv", raw / "out.csv"), raw, Call())
    assert not raw.exists()


def test_a_simulated_raw_dir_may_be_written_to_again(tmp_path):
    raw = UPath(tmp_path / "raw")
    raw.mkdir()
    simulated.begin(raw)
    (raw / "train.csv").write_text("simulated")
    simulated.note_table(raw, "train.csv")
    check_outputs(PIPELINE, catalog(tmp_path / "in.csv", raw / "out.csv"), raw, Call())


def test_outputs_elsewhere_leave_the_raw_dir_alone(tmp_path):
    raw = tmp_path / "raw"
    check_outputs(PIPELINE, catalog(raw / "in.csv", tmp_path / "data/out.csv"), raw, Call())
    assert not raw.exists()


def test_missing_raw_data_is_named_with_what_to_type(tmp_path):
    raw = tmp_path / "raw"
    with pytest.raises(GuardError) as error:
        check_inputs(PIPELINE, catalog(raw / "train.csv", tmp_path / "out.csv"), raw, Call())
    message = str(error.value)
    assert f"source: {raw}/train.csv" in message
    assert "kedro run --pipeline demo" in message
    assert "kedro run --env hms" in message


def one():
    return np.ones(1)


@pytest.mark.parametrize(("place", "is_refused"), [("raw/train_eegs", False), ("data/made", True)])
def test_a_file_may_be_gone_of_raw_data_and_not_of_what_a_pipeline_made(
    tmp_path, place, is_refused
):
    made = ParallelPartitionedDataset(
        path=str(tmp_path / place),
        dataset="hbac.datasets.NpyDataset",
        filename_suffix=".npy",
        n_jobs=1,
    )
    made.save({"1": one, "2": one})
    (tmp_path / place / "1.npy").unlink()
    data = DataCatalog({"source": made, "target": CSVDataset(filepath=str(tmp_path / "out.csv"))})
    refused = pytest.raises(GuardError, match="missing input:\n  source") if is_refused else None
    with refused or nullcontext():
        check_inputs(PIPELINE, data, tmp_path / "raw")


def test_a_table_that_may_be_absent_is_not_asked_for(tmp_path):
    path = str(tmp_path / "raw/unlabelled.csv")
    for may_be_absent in (True, False):
        table = LabelsDataset(filepath=path, votes=False, may_be_absent=may_be_absent)
        target = CSVDataset(filepath=str(tmp_path / "out.csv"))
        data = DataCatalog({"source": table, "target": target})
        refused = nullcontext() if may_be_absent else pytest.raises(GuardError, match="source")
        with refused:
            check_inputs(PIPELINE, data, tmp_path / "raw", Call())


def test_an_input_that_is_there_passes(tmp_path):
    (tmp_path / "in.csv").write_text("a\n1\n")
    paths = catalog(tmp_path / "in.csv", tmp_path / "out.csv")
    assert check_inputs(PIPELINE, paths, tmp_path / "raw", Call()) is None
