import keras
import numpy as np

from hbac.explain import class_gradients


def test_gradients_match_finite_differences():
    keras.utils.set_random_seed(0)
    head = keras.Sequential(
        [
            keras.Input((4, 5, 3)),
            keras.layers.Conv2D(4, 3, activation="tanh"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(6),
        ]
    )
    rng = np.random.default_rng(0)
    activations = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    classes, step = [4, 0], 0.03
    gradients = class_gradients(head, activations, classes)
    assert gradients.shape == (2, 2, 4, 5, 3)
    for place in rng.integers(0, [4, 5, 3], size=(5, 3)):
        change = np.zeros_like(activations)
        change[(slice(None), *place)] = step
        above, below = (
            keras.ops.convert_to_numpy(head(activations + sign * change))[:, classes]
            for sign in (1, -1)
        )
        expected = (above - below).T / (2 * step)
        np.testing.assert_allclose(gradients[(..., *place)], expected, atol=2e-4)
    assert np.abs(gradients).max() > 0.01
