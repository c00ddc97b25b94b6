import zipfile

import keras
import numpy as np
import pytest

from hbac.explain.layers import feature_layers
from hbac.models import build_model, copy_of
from hbac.models.pooling import CENTRE_WEIGHT, pool

ROWS, COLUMNS, FILTERS = 2, 5, 3


def pooled(features, pooling, **weights):
    """Pool by a network of nothing else, after some of its weights are set."""
    maps = keras.Input(features.shape[1:])
    model = keras.Model(maps, pool(maps, pooling))
    for name, values in weights.items():
        layer = model.get_layer(name)
        layer.set_weights([np.reshape(values, layer.kernel.shape), *layer.get_weights()[1:]])
    return keras.ops.convert_to_numpy(model(features.astype(np.float32)))


@pytest.fixture
def features():
    return np.random.default_rng(0).uniform(0.1, 4, size=(2, ROWS, COLUMNS, FILTERS))


def test_the_generalised_mean_lies_between_mean_and_maximum(features):
    cubes = np.cbrt((features**3).mean(axis=(1, 2)))
    np.testing.assert_allclose(pooled(features, "gem"), cubes, rtol=1e-5)
    mean = pooled(features, "gem", gem_exponent=0)
    np.testing.assert_allclose(mean, features.mean(axis=(1, 2)), rtol=1e-5)
    largest = pooled(features, "gem", gem_exponent=40)
    np.testing.assert_allclose(largest, features.max(axis=(1, 2)), rtol=2e-3)


def test_features_of_nothing_have_a_generalised_mean_and_gradients():
    maps = keras.Input((ROWS, COLUMNS, FILTERS))
    narrow = keras.layers.Conv2D(FILTERS, 1, name="narrow")(maps)
    model = keras.Model(maps, pool(keras.layers.ReLU()(narrow), "gem"))
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    model.train_on_batch(np.zeros((4, ROWS, COLUMNS, FILTERS)), np.ones((4, FILTERS)))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_the_exponent_is_learnt():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.1, 1, size=(64, ROWS, COLUMNS, 1))
    maps = keras.Input(features.shape[1:])
    model = keras.Model(maps, pool(maps, "gem"))
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
    model.fit(features, features.max(axis=(1, 2)), epochs=30, verbose=0)
    assert model.get_layer("gem_exponent").kernel[0, 0] > 3


def test_attention_begins_with_a_gaussian_about_the_middle(features):
    places = (np.arange(COLUMNS) - 2) / 2.5
    shares = np.exp(-CENTRE_WEIGHT * places**2)
    expected = (features.mean(axis=1) * (shares / shares.sum())[:, None]).sum(axis=1)
    even = np.zeros(FILTERS)
    np.testing.assert_allclose(
        pooled(features, "centre_attention", attention_to_content=even), expected, rtol=1e-5
    )
    everywhere = pooled(
        features, "centre_attention", attention_to_content=even, attention_to_centre=0
    )
    np.testing.assert_allclose(everywhere, features.mean(axis=(1, 2)), rtol=1e-5)


def test_attention_finds_the_cell_whose_content_it_looks_for(features):
    features[0, 1, 4, 2] = 40
    found = pooled(features, "centre_attention", attention_to_content=[0, 0, 5.0])
    np.testing.assert_allclose(found[0], features[0, 1, 4], rtol=1e-5)


def test_of_fifty_seconds_the_middle_ten_get_more_than_half():
    middle = np.zeros((1, 1, 500, 1))
    middle[:, :, 200:300] = 1
    share = pooled(middle, "centre_attention", attention_to_content=[0])
    assert share[0, 0] == pytest.approx(0.58, abs=0.01)


@pytest.mark.parametrize("pooling", ["gem", "centre_attention"])
def test_it_is_read_and_copied_without_code_of_ours(tmp_path, pooling):
    model = build_model(architecture="resnet_1d", image_size=(16, 512), pooling=pooling)
    waveforms = np.random.default_rng(0).normal(size=(2, 16, 512)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    assert b"hbac" not in zipfile.ZipFile(tmp_path / "model.keras").read("config.json")
    again = keras.saving.load_model(tmp_path / "model.keras")
    shares = model(waveforms)
    np.testing.assert_array_equal(again(waveforms), shares)
    np.testing.assert_array_equal(copy_of(again)(waveforms), shares)
    assert list(feature_layers(model).values())[-1] == (4, 4)


@pytest.mark.parametrize("pooling", ["gem", "centre_attention"])
def test_features_of_sixteen_bits_are_pooled_in_thirty_two(pooling):
    model = build_model(
        architecture="compact" if pooling == "gem" else "resnet_1d",
        image_size=(16, 512),
        pooling=pooling,
        precision="mixed_float16",
    )
    assert model.get_layer("pooled_features").input.dtype == "float32"
    assert np.isfinite(model(np.full((1, 16, 512), 25.0))).all()


def test_what_can_not_pool_is_named():
    with pytest.raises(ValueError, match=r"one of \('average', .*received 'median'"):
        build_model(architecture="compact", image_size=(32, 32), pooling="median")
    with pytest.raises(ValueError, match=r"compact sees pictures, .* waveform_pooling"):
        build_model(architecture="compact", image_size=(32, 32), pooling="centre_attention")
