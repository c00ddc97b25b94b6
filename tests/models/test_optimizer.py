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


@pytest.mark.parametrize("warm_up", [0, 0.5, 2])
def test_rates_are_those_of_keras_cosine_step_by_step(warm_up):
    optimizer = keras.optimizers.Adam()
    rate = StageRate(optimizer)
    cosine = Cosine(6, peak=0.5, warm_up=warm_up)
    # The third epoch of a stage that began with the optimizer's step 100; an epoch is ten steps.
    rate.follow(cosine, epoch=2, step=120, steps_per_epoch=10)
    kerass = keras.optimizers.schedules.CosineDecay(
        0.0, 60 - 10 * warm_up, warmup_target=0.5, warmup_steps=10 * warm_up
    )
    expected = [float(keras.ops.convert_to_numpy(kerass(step))) for step in range(70)]
    np.testing.assert_allclose(rates_of(optimizer, range(100, 170)), expected, atol=1e-6)
    middles = rates_of(optimizer, range(105, 160, 10))
    np.testing.assert_allclose(middles, list(cosine), rtol=1e-5)
    assert len(list(cosine)) == len(cosine) == 6


def test_a_networks_file_tells_the_rates(weights):
    optimizer = build_optimizer(weights)
    optimizer._learning_rate.follow(Cosine(4, 0.1, 1), epoch=0, step=0, steps_per_epoch=5)
    config = keras.saving.serialize_keras_object(optimizer)
    read = keras.saving.deserialize_keras_object(config)
    np.testing.assert_allclose(
        rates_of(read, range(1, 20)), rates_of(optimizer, range(1, 20)), rtol=1e-4
    )


def test_a_rate_an_epoch_holds_through_it():
    optimizer = keras.optimizers.Adam()
    rate = StageRate(optimizer)
    rate.follow([1e-3, 1e-4], epoch=1, step=1000, steps_per_epoch=500)
    np.testing.assert_allclose(rates_of(optimizer, [1000, 1499, 10**6]), np.float32(1e-4), rtol=0)


def test_a_warm_up_leaves_an_epoch():
    with pytest.raises(ValueError, match="one of 3 epochs, received 3"):
        Cosine(3, peak=1.0, warm_up=3)


def test_matrices_decay_and_offsets_and_single_numbers_do_not(weights):
    exponent = keras.Variable(np.full((1, 1), 2.0))
    optimizer = build_optimizer([*weights, exponent], weight_decay=0.1)
    optimizer._learning_rate.follow([0.5], epoch=0, step=0, steps_per_epoch=1)
    optimizer.apply([keras.ops.zeros((2, 3)), keras.ops.zeros(3), keras.ops.zeros((1, 1))])
    assert keras.ops.convert_to_numpy(exponent).item() == 2
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
