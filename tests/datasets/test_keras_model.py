import json

import keras
import pytest
from kedro.io import DatasetError

from hbac.datasets import KerasModelDataset


def test_the_preview_says_what_a_network_is_made_of(tmp_path):
    image = keras.Input((8, 4), name="image")
    model = keras.Model(image, keras.layers.Dense(6)(keras.layers.Flatten()(image)))
    dataset = KerasModelDataset(filepath=str(tmp_path / "model.keras"))
    dataset.save(model)
    shown = json.loads(dataset.preview())
    assert shown["inputs"] == {"image": [None, 8, 4]}
    assert shown["layers"] == {"InputLayer": 1, "Flatten": 1, "Dense": 1}
    assert shown["keras_version"] == keras.__version__


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1274863\n"


@pytest.mark.parametrize("how", ["pointer", "cut off", "nothing", "damaged"])
def test_a_file_that_is_no_network_is_named_by_its_own_path(tmp_path, how):
    path = tmp_path / "fold_0.compact.keras"
    dataset = KerasModelDataset(filepath=str(path))
    image = keras.Input((8, 4), name="image")
    dataset.save(keras.Model(image, keras.layers.Dense(6)(keras.layers.Flatten()(image))))
    whole = path.read_bytes()
    middle = whole.index(b"class_name")
    content = {
        "pointer": POINTER,
        "cut off": whole[:-100],
        "nothing": b"",
        "damaged": whole[:middle] + bytes(200) + whole[middle + 200 :],
    }[how]
    path.write_bytes(content)
    with pytest.raises(DatasetError) as error:
        dataset.load()
    message = str(error.value)
    assert message.startswith(f"{path} is not a Keras network; it holds {len(content)} bytes")
    assert repr(content[:24]) in message
    assert "model.keras" not in message
    assert ("git lfs pull" in message) == (how == "pointer")
    with pytest.raises(DatasetError, match="is not a Keras network"):
        dataset.preview()
