import keras
import numpy as np
import pytest

from hbac.models import Cosine
from hbac.models.optimizer import StageRate, build_optimizer


@pytest.fixture
def weights():
    return [keras.Variable(np.full((2, 3), 2.0)), keras.Variable(np.full(3, 2.0))]


def rates_of(optimizer, steps):
    rate = optimizer._learning_rate
    return [float(keras.ops.convert_to_numpy(rate(step))) for step in steps]


def test_rates_rise_to_the_peak_and_fall_along_a_cosine_step_by_step():
    optimizer = keras.optimizers.Adam()
    rate = StageRate(optimizer)
    cosine = Cosine(6, peak=1.0, warm_up=2)
    # The third epoch of a stage that began with the optimizer's step 100; an epoch is ten steps.
    rate.follow(cosine, epoch=2, step=120, steps_per_epoch=10)
    np.testing.assert_allclose(rates_of(optimizer, [100, 105, 110, 120]), [0, 0.25, 0.5, 1])
    falling = (1 + np.cos(np.pi * np.array([1, 20, 39, 40]) / 40)) / 2
    np.testing.assert_allclose(rates_of(optimizer, [121, 140, 159, 160]), falling, atol=1e-6)
    middles = rates_of(optimizer, range(105, 160, 10))
    np.testing.assert_allclose(middles, [cosine[epoch] for epoch in range(6)], rtol=1e-5)
    assert len(list(cosine)) == len(cosine) == 6


def test_a_rate_an_epoch_holds_through_it():
    optimizer = keras.optimizers.Adam()
    rate = StageRate(optimizer)
    rate.follow([1e-3, 1e-4], epoch=1, step=1000, steps_per_epoch=500)
    np.testing.assert_allclose(rates_of(optimizer, [1000, 1499, 10**6]), np.float32(1e-4), rtol=0)


def test_a_warm_up_leaves_an_epoch():
    with pytest.raises(ValueError, match="one of 3 epochs, received 3"):
        Cosine(3, peak=1.0, warm_up=3)


def test_matrices_decay_and_offsets_do_not(weights):
    optimizer = build_optimizer(weights, weight_decay=0.1)
    optimizer._learning_rate.follow([0.5], epoch=0, step=0, steps_per_epoch=1)
    optimizer.apply([keras.ops.zeros((2, 3)), keras.ops.zeros(3)])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weights[0]), 2 * (1 - 0.5 * 0.1))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weights[1]), 2)


def test_gradients_are_clipped_all_together(weights):
    optimizer = build_optimizer(weights, clip_norm=1.0)
    gradients = [keras.ops.full((2, 3), 40.0), keras.ops.full((3,), 40.0)]
    clipped = [keras.ops.convert_to_numpy(part) for part in optimizer._clip_gradients(gradients)]
    np.testing.assert_allclose(np.sqrt(sum((part**2).sum() for part in clipped)), 1, rtol=1e-5)
    np.testing.assert_allclose(clipped[0], clipped[1][0], rtol=1e-6)


def test_without_decay_the_step_is_adams(weights):
    optimizer = build_optimizer(weights)
    optimizer._learning_rate.follow([0.5], epoch=0, step=0, steps_per_epoch=1)
    optimizer.apply([keras.ops.ones((2, 3)), keras.ops.ones(3)])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weights[0]), 1.5, rtol=1e-5)
