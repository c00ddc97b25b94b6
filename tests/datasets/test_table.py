import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hbac.datasets import TableDataset

TABLE = pd.DataFrame({"eeg_id": [1, 2], "share": [0.5, np.nan], "reason": ["a,b", "µV"]})


@pytest.mark.parametrize("folder", ["{tmp_path}", "memory://tables"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_comes_back_as_it_was(tmp_path, folder, suffix):
    dataset = TableDataset(filepath=f"{folder.format(tmp_path=tmp_path)}/table{suffix}")
    dataset.save(TABLE)
    pd.testing.assert_frame_equal(dataset.load(), TABLE)
    assert dataset.preview(nrows=1)["data"] == [[1, 0.5, "a,b"]]


def test_an_index_comes_back_with_its_name(tmp_path):
    matrix = pd.DataFrame({"LPD": [1, 2]}, pd.Index(["LPD", "GPD"], name="consensus"))
    dataset = TableDataset(filepath=str(tmp_path / "matrix.csv"), index=True)
    dataset.save(matrix)
    pd.testing.assert_frame_equal(dataset.load(), matrix)


def test_a_table_that_can_not_be_written_leaves_the_one_before(tmp_path):
    dataset = TableDataset(filepath=str(tmp_path / "table.parquet"))
    dataset.save(TABLE)
    with pytest.raises(DatasetError):
        dataset.save(pd.DataFrame({"mixed": [1, "a", object()]}))
    pd.testing.assert_frame_equal(dataset.load(), TABLE)
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]


def test_an_empty_table_keeps_its_columns(tmp_path):
    dataset = TableDataset(filepath=str(tmp_path / "failures.csv"))
    dataset.save(TABLE[:0])
    assert list(dataset.load()) == list(TABLE)


def test_columns_of_text_stay_text(tmp_path):
    table = pd.DataFrame({"recording": ["007", "NA"], "chains": ["", "LL"], "onset": [1.5, np.nan]})
    dataset = TableDataset(filepath=str(tmp_path / "events.csv"), text=["recording", "chains"])
    dataset.save(table)
    pd.testing.assert_frame_equal(dataset.load(), table)
