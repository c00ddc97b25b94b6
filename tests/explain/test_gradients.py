import keras
import numpy as np

from hbac.explain import class_gradients
from hbac.explain.layers import cut_open
from tests.explain.networks import SIZE


def test_gradients_of_every_layer_match_finite_differences(branching):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, *SIZE)).astype(np.float32)
    stages, classes, step = cut_open(branching, ["sum", "late"]), [4, 0], 0.03
    features, gradients = class_gradients(stages, images, classes)
    assert [x.shape for x in features] == [(2, 6, 8, 4), (2, 3, 4, 5)]
    assert [x.shape for x in gradients] == [(2, 2, 6, 8, 4), (2, 2, 3, 4, 5)]
    for number, (layer, of_layer) in enumerate(zip(features, gradients, strict=True), start=1):
        assert layer.dtype == of_layer.dtype == np.float32
        rest = keras.Sequential(stages[number:])
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
