import json

import pytest
from kedro.io import DatasetError

from hbac.datasets import RecordDataset


@pytest.mark.parametrize(
    ("content", "lacks"),
    [({}, "networks and blend"), ([], "networks and blend"), ({"networks": [1]}, "lacks blend")],
)
def test_a_record_that_does_not_say_what_is_needed_is_named(tmp_path, content, lacks):
    path = tmp_path / "ensemble.json"
    path.write_text(json.dumps(content))
    dataset = RecordDataset(filepath=str(path), needs=["networks", "blend"])
    with pytest.raises(DatasetError, match=rf"{path} must say .*{lacks}.*copy the whole file"):
        dataset.load()
    assert RecordDataset(filepath=str(path)).load() == content


def test_a_record_comes_back(tmp_path):
    dataset = RecordDataset(filepath=str(tmp_path / "ensemble.json"), needs=["networks"])
    dataset.save({"networks": ["fold_0.compact"], "mirror": False})
    assert dataset.load() == {"networks": ["fold_0.compact"], "mirror": False}
