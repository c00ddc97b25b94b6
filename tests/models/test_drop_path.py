import keras
import numpy as np
import pytest
from keras import layers

from hbac.models import build_model, copy_of
from hbac.models.clones import cloned
from hbac.models.drop_path import DROP_PATH, drop_path, with_drop_path

SETTINGS = {"architecture": "efficientnet_1d", "image_size": (16, 512)}


def rates(model):
    return [
        layer.rate
        for layer in model.layers
        if isinstance(layer, layers.Dropout) and layer.name != "dropout"
    ]


def branch(share):
    """A window of ones, led around a branch of ones."""
    ones = keras.Input((1, 4, 2))
    total = layers.Add()([ones, drop_path(layers.Identity()(ones), 1.0, "drop")])
    return with_drop_path(keras.Model(ones, total), share)


def test_a_branch_is_left_out_for_whole_windows_and_counts_for_more_where_it_is_not():
    keras.utils.set_random_seed(0)
    ones = np.ones((4000, 1, 4, 2), np.float32)
    seen = keras.ops.convert_to_numpy(branch(0.5)(ones, training=True)).reshape(4000, -1)
    assert (seen == seen[:, :1]).all()
    assert np.unique(seen).tolist() == [1, 3]
    assert seen.mean() == pytest.approx(2, abs=0.1)
    np.testing.assert_array_equal(branch(0.5)(ones, training=False), 2 * ones)
    np.testing.assert_array_equal(branch(0.0)(ones, training=True), 2 * ones)


@pytest.mark.slow
def test_the_deeper_the_more_often(tmp_path):
    built = rates(build_model(**SETTINGS))
    assert built == sorted(built)
    assert built[-1] == DROP_PATH
    none = build_model(**SETTINGS, drop_path=0.0, dropout=0.3)
    assert not any(rates(none))
    assert none.get_layer("dropout").rate == 0.3
    none.save(tmp_path / "model.keras")
    waveforms = np.ones((1, 16, 512), np.float32)
    again = copy_of(keras.saving.load_model(tmp_path / "model.keras"))
    np.testing.assert_array_equal(again(waveforms), none(waveforms))


@pytest.mark.slow
def test_keras_own_networks_are_changed_as_well_and_keep_their_weights():
    built = build_model(image_size=(32, 64))
    others = with_drop_path(built, 0.1)
    # The last of its 16 blocks has no way around it.
    assert max(rates(built)) == pytest.approx(DROP_PATH * 14 / 16)
    np.testing.assert_allclose(rates(others), np.array(rates(built)) / 2)
    images = np.random.default_rng(0).normal(size=(1, 32, 64)).astype(np.float32)
    np.testing.assert_array_equal(others(images), built(images))
    assert with_drop_path(built, DROP_PATH) is built


def test_a_network_without_branches_stays_as_it_is():
    assert not rates(build_model(architecture="compact", image_size=(32, 64), drop_path=0.7))


def test_a_clone_scales_its_input_as_the_original_has_learnt():
    values = keras.Input((3,))
    model = keras.Model(values, layers.Normalization()(values))
    model.layers[-1].set_weights([np.arange(3.0), np.full(3, 4.0), np.array(1)])
    model.layers[-1].finalize_state()
    seen = keras.ops.convert_to_numpy(cloned(model)(np.ones((1, 3), np.float32)))
    np.testing.assert_allclose(seen, [[0.5, 0, -0.5]])
