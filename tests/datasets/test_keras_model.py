import json

import keras

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
