import os

import numpy as np
import pandas as pd

from hbac.tracking import data


def test_a_file_is_hashed_once_and_gives_what_its_array_gives(tmp_path, monkeypatch):
    path = tmp_path / "windows.npy"
    windows = pd.DataFrame({"eeg_id": [1, 2]})
    np.save(path, np.zeros((2, 3, 4), np.float16))
    hashed = []
    digest = data._digest
    monkeypatch.setattr(data, "_digest", lambda array: (hashed.append(1), digest(array))[1])
    prints = {data.data_fingerprint(np.load(path, mmap_mode="r"), windows) for _ in range(3)}
    assert len(hashed) == 1
    assert prints == {data.data_fingerprint(np.load(path), windows)}
    other = data.data_fingerprint(np.load(path, mmap_mode="r"), windows.iloc[::-1])
    np.save(path, np.ones((2, 3, 4), np.float16))
    os.utime(path, ns=(0, 1))
    again = data.data_fingerprint(np.load(path, mmap_mode="r"), windows)
    assert len({*prints, other, again}) == 3
