import keras
import numpy as np
import pytest
from keras import layers

from hbac.explain.layers import cut_open, feature_layers, last_feature_layer
from tests.explain.networks import SIZE


def test_the_deepest_layer_of_each_resolution_is_listed(branching):
    assert feature_layers(branching) == {"sum": (6, 8), "late": (3, 4)}
    assert last_feature_layer(branching) == "late"


def test_stages_run_one_after_another_are_the_network_up_to_its_logits(branching):
    images = np.random.default_rng(0).normal(size=(2, *SIZE)).astype(np.float32)
    stages = cut_open(branching, ["sum", "late"])
    assert [stage.output_shape[1:] for stage in stages] == [(6, 8, 4), (3, 4, 5), (6,)]
    features = images
    for stage in stages:
        features = stage(features, training=False)
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(features))
    np.testing.assert_allclose(shares, branching(images, training=False), rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("top_conv", r"'branching' has no layer 'top_conv'; .*'sum': \(6, 8\), 'late': \(3, 4\)"),
        ("branch", r"can't be cut at layer 'branch'.*'sum': \(6, 8\)"),
        ("pooled", "can't be cut at layer 'pooled'"),
    ],
)
def test_layers_that_cannot_be_looked_at_are_named(branching, layer, message):
    with pytest.raises(ValueError, match=message):
        cut_open(branching, [layer])


def test_a_network_without_feature_maps_is_refused():
    dense = keras.Sequential([keras.Input(SIZE), layers.Flatten(), layers.Dense(6, name="logits")])
    with pytest.raises(ValueError, match="no convolutional feature maps"):
        last_feature_layer(dense)


def test_a_network_with_its_channels_first_is_refused():
    picture = keras.Input((1, 12, 16))
    maps = layers.Conv2D(3, 3, data_format="channels_first", name="conv")(picture)
    pooled = layers.GlobalAveragePooling2D(data_format="channels_first")(maps)
    network = keras.Model(picture, layers.Dense(6, name="logits")(pooled), name="other")
    for look in (feature_layers, last_feature_layer, lambda model: cut_open(model, ["conv"])):
        with pytest.raises(ValueError, match="'conv' of model 'other' has its channels first"):
            look(network)
