import numpy as np
import pytest

from hbac.datasets import CheckpointDataset


@pytest.fixture
def dataset(tmp_path):
    return CheckpointDataset(filepath=str(tmp_path / "fold_0.npz"))


def test_a_state_comes_back_as_it_was(dataset):
    rng = np.random.default_rng(0)
    state = {
        "variables": [rng.random((2, 3), np.float32), np.array(7, np.int64)],
        "kept": None,
        "best_loss": np.inf,
        "epoch": 2,
        "records": [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": float("nan")}],
    }
    checkpoint = dataset.load().of("these parameters")
    assert checkpoint.load() is None
    checkpoint.save(state)
    loaded = checkpoint.load()
    for array, expected in zip(loaded.pop("variables"), state.pop("variables"), strict=True):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)
    np.testing.assert_equal(loaded, state)


def test_another_trainings_state_is_not_seen(dataset):
    dataset.load().of("these parameters").save({"epoch": 1})
    assert dataset.load().of("others").load() is None
    assert dataset.load().of("these parameters").load() == {"epoch": 1}


def test_a_half_written_file_counts_as_none(dataset, tmp_path):
    dataset.load().save({"epoch": 1, "variables": [np.zeros(1000)]})
    file = tmp_path / "fold_0.npz"
    file.write_bytes(file.read_bytes()[:700])
    assert dataset.load().load() is None
