import keras
import numpy as np
import pytest

from hbac.explain.layers import cut_open, feature_layers
from hbac.models import build_model
from hbac.models.symmetric import HEAD_FILTERS
from hbac.models.waveform import mirror_waveforms
from tests.models.test_architecture import values

SETTINGS = {
    "architecture": "symmetric_1d",
    "pooling": "average_and_max",
    "input_scale": "window",
    "dropout": 0.4,
}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return build_model(image_size=(16, 1000), **SETTINGS)


@pytest.fixture
def waveforms():
    rng = np.random.default_rng(0)
    waveforms = rng.normal(size=(4, 16, 1000)).astype(np.float32)
    waveforms[:, :2] *= 3
    waveforms[1, 5] = 0
    return waveforms


def test_a_mirror_image_gives_the_same(model, waveforms):
    shares = model.predict_on_batch(waveforms)
    np.testing.assert_allclose(
        model.predict_on_batch(mirror_waveforms(waveforms)), shares, atol=1e-6
    )
    other = waveforms[:, ::-1]
    assert np.abs(model.predict_on_batch(other) - shares).max() > 1e-4


@pytest.mark.parametrize(("samples", "steps"), [(1000, 32), (5000, 157)])
def test_feature_maps_have_a_row_a_chain_and_then_one(samples, steps):
    model = build_model(image_size=(16, samples), **SETTINGS)
    assert model.get_layer("head_features").output.shape == (None, 1, steps, HEAD_FILTERS)
    found = feature_layers(model)
    assert found["chains_features"] == (4, steps)
    assert list(found)[-1] == "head_features"


def test_a_chain_shows_in_its_own_row(model, waveforms):
    before = values(model, "chains_features", waveforms)
    changed = waveforms.copy()
    # As large as before, so that the window's scale stays.
    changed[0, 8] = changed[0, 8, ::-1]
    away = np.abs(values(model, "chains_features", changed) - before).max(axis=(0, 2, 3))
    assert np.flatnonzero(away > 1e-4).tolist() == [2]


def test_it_is_cut_open_where_the_hemispheres_are_joined(model, waveforms):
    first, second = cut_open(model, ["chains_features"])
    logits = second(first(waveforms, training=False), training=False)
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    np.testing.assert_allclose(shares, model.predict_on_batch(waveforms), rtol=1e-4)


def test_an_amplifiers_gain_changes_nothing(model, waveforms):
    shares = model.predict_on_batch(waveforms)
    np.testing.assert_allclose(model.predict_on_batch(waveforms * 9.7), shares, atol=1e-6)
    nothing = model.predict_on_batch(np.zeros_like(waveforms))
    assert np.isfinite(nothing).all()


def test_wrong_channels_and_weights_are_refused():
    with pytest.raises(ValueError, match="received 15"):
        build_model(architecture="symmetric_1d", image_size=(15, 1000))
    with pytest.raises(ValueError, match="symmetric_1d has no ready weights"):
        build_model(architecture="symmetric_1d", image_size=(16, 1000), weights="imagenet")
