import keras
import numpy as np

from hbac.explain import ClassGradients
from tests.explain.networks import SIZE, branching_network, planted_pictures


def test_gradients_of_every_layer_match_finite_differences(branching):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, *SIZE)).astype(np.float32)
    class_gradients, classes, step = ClassGradients(branching, ["sum", "late"]), [4, 0], 0.03
    features, gradients = class_gradients(images, classes)
    assert [x.shape for x in features] == [(2, 6, 8, 4), (2, 3, 4, 5)]
    assert [x.shape for x in gradients] == [(2, 2, 6, 8, 4), (2, 2, 3, 4, 5)]
    for number, (layer, of_layer) in enumerate(zip(features, gradients, strict=True), start=1):
        assert layer.dtype == of_layer.dtype == np.float32
        rest = keras.Sequential(class_gradients.stages[number:])
        for place in rng.integers(0, layer.shape[1:], size=(5, 3)):
            change = np.zeros_like(layer)
            change[(slice(None), *place)] = step
            above, below = (
                keras.ops.convert_to_numpy(rest(layer + sign * change))[:, classes]
                for sign in (1, -1)
            )
            expected = (above - below).T / (2 * step)
            np.testing.assert_allclose(of_layer[(..., *place)], expected, atol=2e-4)
        assert np.abs(of_layer).max() > 0.005


def test_networks_that_differ_in_weights_alone_share_a_trace():
    networks = [ClassGradients(branching_network(), ["sum"]) for _ in range(2)]
    for weight in networks[1].stages[-1].trainable_variables:
        weight.assign(2 * weight)
    assert networks[0] == networks[1] != ClassGradients(branching_network(), ["late"])
    images = planted_pictures().astype(np.float32)
    (first, once), (second, twice) = (network(images, [3]) for network in networks)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_allclose(twice[0], 4 * once[0], rtol=1e-5)
