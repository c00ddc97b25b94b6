import os

import numpy as np
import pytest

from hbac.models import batches
from hbac.models.identity import file_identity


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "windows.npy", np.zeros((6, 4, 4), np.float16))
    return tmp_path / "windows.npy"


def test_a_file_is_the_same_until_it_is_written(path):
    first = file_identity(np.load(path, mmap_mode="r"))
    assert first == file_identity(np.load(path, mmap_mode="r"))
    np.save(path, np.ones((6, 4, 4), np.float16))
    os.utime(path, ns=(0, 1))
    assert first != file_identity(np.load(path, mmap_mode="r"))


def test_what_is_in_memory_or_a_part_of_a_file_has_no_identity(path):
    windows = np.load(path, mmap_mode="r")
    for part in (np.array(windows), windows[2:], windows[:3], windows[:, ::2]):
        assert file_identity(part) is None


def test_a_file_is_looked_through_for_nan_once(path, monkeypatch):
    seen = []
    read = batches.read_images
    monkeypatch.setattr(batches, "read_images", lambda *of: (seen.extend(of[1]), read(*of))[1])
    for rows in ([0, 1, 2], [2, 3], [0, 3]):
        batches.check_images(np.load(path, mmap_mode="r"), np.array(rows), batch_size=1)
    assert sorted(seen) == [0, 1, 2, 3]
