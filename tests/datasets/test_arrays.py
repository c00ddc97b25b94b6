import numpy as np
import pytest
from kedro.io import DatasetError

from hbac.datasets import ArraysDataset


def test_arrays_come_back_as_they_were(tmp_path):
    dataset = ArraysDataset(filepath=str(tmp_path / "1.npz"))
    arrays = {"maps": np.random.default_rng(0).normal(size=(2, 16, 100)).astype(np.float32),
              "event": np.arange(2)}  # fmt: skip
    dataset.save(arrays)
    loaded = dataset.load()
    assert list(loaded) == ["maps", "event"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert dataset.preview()["data"] == [["maps", "(2, 16, 100)", "float32"],
                                         ["event", "(2,)", "int64"]]  # fmt: skip


def test_nothing_is_pickled_or_unpickled(tmp_path):
    path = tmp_path / "1.npz"
    np.savez(path, bad=np.array([{}], dtype=object))
    with pytest.raises(DatasetError, match=r"1\.npz"):
        ArraysDataset(filepath=str(path)).load()
    with pytest.raises(DatasetError, match=r"received objects in \['bad'\]"):
        ArraysDataset(filepath=str(path)).save({"bad": np.array([{}], dtype=object)})
