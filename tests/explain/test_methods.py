"""What every class-activation map promises, and what tells one from the next."""

import keras
import numpy as np
import pytest

from hbac.explain.eigencam import eigencam
from hbac.explain.fusion import fusion
from hbac.explain.gradcam import gradcam
from hbac.explain.gradcam_plusplus import gradcam_plusplus
from hbac.explain.hirescam import hirescam
from hbac.explain.layercam import layercam
from hbac.explain.layers import cut_open
from hbac.explain.method import map_by_methods
from tests.explain.networks import BRIGHT, DARK, SIZE, planted_pictures

GRADIENT_METHODS = (gradcam, gradcam_plusplus, hirescam, layercam)
METHODS = (*GRADIENT_METHODS, eigencam)
RNG = np.random.default_rng(0)

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
every_gradient_method = pytest.mark.parametrize(
    "method", GRADIENT_METHODS, ids=lambda method: method.name
)


def features_of(model, images, layer):
    stage = cut_open(model, [layer])[0]
    return keras.ops.convert_to_numpy(stage(images.astype(np.float32), training=False))


@every_gradient_method
def test_each_class_finds_its_own_planted_square(method, counting):
    maps = method(counting, planted_pictures(), class_indices=[0, 1])
    assert maps.shape == (3, 2, *SIZE)
    assert maps.dtype == np.float32
    for number, square in enumerate((BRIGHT, DARK)):
        inside = np.zeros(SIZE, bool)
        inside[square] = True
        assert (maps[:, number][:, inside] > 0).all()
        assert (maps[:, number][:, ~inside] == 0).all()


@every_method
def test_finer_layers_classes_and_batches_can_be_chosen(method, branching):
    pictures = RNG.normal(size=(5, *SIZE))
    grid = (3, 4) if method.resolutions == (-1,) else (6, 8)
    assert method(branching, pictures).shape == (5, 6, *grid)
    maps = method(branching, pictures, layer="sum", class_indices=[5, 2], batch_size=2)
    assert maps.shape == (5, 2, 6, 8)
    whole = method(branching, pictures, layer="sum")
    np.testing.assert_allclose(maps, whole[:, [5, 2]], atol=1e-5)


@every_method
def test_only_signed_maps_hold_what_speaks_against_a_class(method, branching):
    pictures = RNG.normal(size=(4, *SIZE))
    assert method(branching, pictures, layer="sum").min() >= 0
    assert method(branching, pictures, layer="sum", signed=True).min() < 0


@every_gradient_method
def test_scores_and_not_probabilities_are_explained(method, counting):
    kernel, bias = counting.get_layer("logits").get_weights()
    pictures = planted_pictures()
    counting.get_layer("logits").set_weights([kernel, bias + 50 * np.eye(6)[0]])
    saturated = method(counting, pictures, class_indices=[0])
    counting.get_layer("logits").set_weights([kernel, bias])
    np.testing.assert_allclose(saturated, method(counting, pictures, class_indices=[0]))


def test_on_the_last_layer_of_an_averaging_network_gradcam_is_hirescam(branching):
    pictures = RNG.normal(size=(4, *SIZE))
    maps = gradcam(branching, pictures, signed=True)
    np.testing.assert_allclose(maps, hirescam(branching, pictures, signed=True), atol=1e-6)
    earlier = [method(branching, pictures, layer="sum") for method in (gradcam, hirescam)]
    assert np.abs(earlier[0] - earlier[1]).max() > 0.1 * earlier[0].max()


def test_hirescam_sums_to_the_score_where_the_rest_is_linear(branching):
    pictures = RNG.normal(size=(4, *SIZE)).astype(np.float32)
    stages = cut_open(branching, ["late"])
    logits = keras.ops.convert_to_numpy(stages[1](stages[0](pictures)))
    bias = branching.get_layer("logits").get_weights()[1]
    sums = hirescam(branching, pictures, signed=True).sum(axis=(2, 3))
    np.testing.assert_allclose(sums, logits - bias, atol=1e-5)


def test_gradcam_on_an_early_layer_weighs_features_by_their_mean_slope(branching):
    pictures = RNG.normal(size=(1, *SIZE)).astype(np.float32)
    features, tail = features_of(branching, pictures, "sum"), cut_open(branching, ["sum"])[1]
    steps = 0.05 * np.eye(4, dtype=np.float32)[:, None, None, None]
    rise = [
        keras.ops.convert_to_numpy(tail(features + step) - tail(features - step)) / 0.1
        for step in steps
    ]
    weights = np.stack(rise, axis=-1) / features[0, ..., 0].size
    expected = np.einsum("nck,nhwk->nchw", weights, features)
    maps = gradcam(branching, pictures, layer="sum", signed=True)
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-5)


def test_layercam_leaves_falling_features_out(counting):
    """Class 0 rises with brightness by 1/192 a pixel; a class of falling weights has no map."""
    kernel, bias = counting.get_layer("logits").get_weights()
    counting.get_layer("logits").set_weights([-np.abs(kernel), bias])
    falling = [layercam(counting, planted_pictures(), signed=signed) for signed in (False, True)]
    counting.get_layer("logits").set_weights([kernel, bias])
    assert not np.any(falling)
    rising = layercam(counting, planted_pictures(), class_indices=[0])
    np.testing.assert_allclose(rising[:, 0][:, *BRIGHT], 1 / np.prod(SIZE), rtol=1e-5)


def test_gradcam_plusplus_weighs_a_feature_by_equation_19(counting):
    """One gradient g in all cells: the weight is the number of cells times g over 2 + g * sum."""
    pictures = planted_pictures()
    cells, bright = np.prod(SIZE), 12
    slope = 1 / cells
    weight = cells * slope / (2 + slope * bright)
    maps = gradcam_plusplus(counting, pictures, class_indices=[0])
    np.testing.assert_allclose(maps[:, 0][:, *BRIGHT], weight, rtol=1e-5)


def test_eigencam_is_the_strongest_component_and_the_same_for_every_class(counting):
    maps = eigencam(counting, planted_pictures(), signed=True)
    np.testing.assert_array_equal(maps[:, 0], maps[:, 5])
    features = features_of(counting, planted_pictures(), "features")[0].reshape(-1, 2)
    centred = features - features.mean(axis=0)
    variances = np.linalg.eigvalsh(centred.T @ centred)
    assert (maps[0, 0] ** 2).sum() == pytest.approx(variances[-1], rel=1e-4)
    assert maps[0, 0].sum() == pytest.approx(0, abs=1e-3)
    # Dark pixels are the stronger: positive, since strength decides the sign.
    assert maps[0, 0][DARK].min() > 0


@every_method
def test_each_picture_can_have_a_class_of_its_own(method, branching):
    pictures = RNG.normal(size=(5, *SIZE))
    own = np.array([[3, 0, 5, 1, 1], [0, 1, 2, 3, 4]])
    maps = method(branching, pictures, class_indices=own, batch_size=2)
    whole = method(branching, pictures)
    for number, classes in enumerate(own):
        np.testing.assert_allclose(maps[:, number], whole[np.arange(5), classes], atol=1e-5)


def test_methods_that_share_their_passes_give_the_same_maps(branching):
    pictures = RNG.normal(size=(3, *SIZE))
    together = map_by_methods(METHODS, branching, pictures, signed=True)
    for maps, method in zip(together, METHODS, strict=True):
        np.testing.assert_allclose(maps, method(branching, pictures, signed=True), atol=1e-5)


@every_method
def test_unusable_input_is_named(method, branching):
    with pytest.raises(ValueError, match=r"\(windows, 12, 16\), received \(1, 5, 5\)"):
        method(branching, np.zeros((1, 5, 5)))
    with pytest.raises(ValueError, match=r"within 0\.\.5, received 6"):
        method(branching, np.zeros((1, *SIZE)), class_indices=[0, 6])
    with pytest.raises(ValueError, match="received 0 and 6"):
        method(branching, np.zeros((0, *SIZE)))
    with pytest.raises(ValueError, match=r"\(classes, 1\), received \(2, 3\)"):
        method(branching, np.zeros((1, *SIZE)), class_indices=np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="looks at one layer, received"):
        method(branching, np.zeros((1, *SIZE)), layer=["sum", "late"])
    with pytest.raises(ValueError, match="has no layer 'top'"):
        method(branching, np.zeros((1, *SIZE)), layer="top")


def test_layers_that_joined_their_rows_are_passed_over(branching):
    """The last layer has 3 rows, the one before 6."""
    assert hirescam.layers(branching, least_rows=4) == ["sum"]
    assert fusion.layers(branching, least_rows=4) == ["sum"]
    assert hirescam.layers(branching, least_rows=3) == ["late"]
    # Better joined rows than none.
    assert hirescam.layers(branching, least_rows=100) == ["late"]


def test_maps_look_at_layers_of_enough_rows(branching):
    pictures = RNG.normal(size=(2, *SIZE))
    (kept,) = map_by_methods([hirescam], branching, pictures, least_rows=4)
    np.testing.assert_allclose(kept, hirescam(branching, pictures, layer="sum"), atol=1e-6)
