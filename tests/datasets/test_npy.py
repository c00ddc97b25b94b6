import numpy as np
import pytest

from hbac.datasets import NpyDataset, npy


def test_an_array_that_is_a_file_as_it_lies_gets_a_second_name(tmp_path):
    first, second = (
        NpyDataset(filepath=str(tmp_path / f"{name}.npy"), links=True) for name in "ab"
    )
    first.save(np.arange(12.0).reshape(4, 3))
    second.save(first.load())
    assert (tmp_path / "a.npy").samefile(tmp_path / "b.npy")
    first.save(np.zeros(2))
    assert second.load().shape == (4, 3)


@pytest.mark.parametrize("part", [slice(2), slice(None, None, -1)], ids=["two", "backwards"])
def test_a_part_of_a_file_is_written_anew(tmp_path, part):
    first, second = (
        NpyDataset(filepath=str(tmp_path / f"{name}.npy"), links=True) for name in "ab"
    )
    first.save(np.arange(12.0).reshape(4, 3))
    second.save(first.load()[part])
    np.testing.assert_array_equal(second.load(), np.arange(12.0).reshape(4, 3)[part])
    assert not (tmp_path / "a.npy").samefile(tmp_path / "b.npy")


def test_a_file_gets_no_second_name_unasked(tmp_path):
    first, second = (NpyDataset(filepath=str(tmp_path / f"{name}.npy")) for name in "ab")
    first.save(np.arange(3.0))
    second.save(first.load())
    assert not (tmp_path / "a.npy").samefile(tmp_path / "b.npy")


def test_a_transposed_file_is_written_anew(tmp_path):
    first, second = (
        NpyDataset(filepath=str(tmp_path / f"{name}.npy"), links=True) for name in "ab"
    )
    first.save(np.arange(9.0).reshape(3, 3))
    second.save(first.load().T)
    np.testing.assert_array_equal(second.load(), np.arange(9.0).reshape(3, 3).T)


def test_chosen_rows_are_written_part_by_part(tmp_path, monkeypatch):
    monkeypatch.setattr(npy, "_BYTES_IN_MEMORY", 50)
    array, kept = np.arange(30.0).reshape(10, 3), np.array([0, 1, 4, 5, 6, 9])
    dataset = NpyDataset(filepath=str(tmp_path / "a.npy"))
    dataset.save(npy.Rows(array, kept))
    np.testing.assert_array_equal(dataset.load(), array[kept])
    np.testing.assert_array_equal(np.asarray(npy.Rows(array, kept)), array[kept])
