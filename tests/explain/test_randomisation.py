import keras
import numpy as np
import pytest
from keras import layers

from hbac.explain.randomisation import cascade, rank_correlation

RNG = np.random.default_rng(0)
NAMES = ["logits", "bn", "depthwise", "scale", "conv"]


class Scale(layers.Layer):
    """A layer that does not tell how its weight was made."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


def _build():
    image = keras.Input((12, 16), name="image")
    features = layers.Reshape((12, 16, 1))(image)
    features = layers.Normalization(axis=None, name="scaling")(features)
    features = layers.Conv2D(8, 3, name="conv")(features)
    features = Scale(name="scale")(features)
    features = layers.DepthwiseConv2D(3, depthwise_initializer="he_normal", name="depthwise")(
        features
    )
    features = layers.BatchNormalization(name="bn")(features)
    features = layers.Activation("relu")(features)
    pooled = layers.GlobalAveragePooling2D()(features)
    logits = layers.Dense(6, name="logits")(layers.Dropout(0.5)(pooled))
    return keras.Model(image, layers.Softmax()(logits))


@pytest.fixture(scope="module")
def model():
    """A network whose weights are nowhere those of an initializer."""
    network = _build()
    network.get_layer("scaling").adapt(RNG.normal(0.5, 2, size=(20, 12, 16, 1)))
    for layer in network.layers:
        if layer.name in NAMES:
            layer.set_weights([RNG.uniform(1, 2, weight.shape) for weight in layer.weights])
    return network


def weights_of(network):
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def changed(before, after):
    """Names of the layers of which every weight has changed."""
    return [
        name
        for name in before
        if all((a != b).any() for a, b in zip(before[name], after[name], strict=True))
    ]


def test_layers_change_one_after_another_from_the_top(model):
    before = previous = weights_of(model)
    assert set(before) == {"scaling", *NAMES}
    seen = []
    with cascade(model, seed=0) as stages:
        for name, randomised in stages:
            assert randomised is model
            seen.append(name)
            after = weights_of(model)
            assert set(changed(before, after)) == set(seen)
            for other in set(before) - {name}:
                for old, new in zip(previous[other], after[other], strict=True):
                    np.testing.assert_array_equal(old, new)
            previous = after
    assert seen == NAMES


def test_all_weights_come_back_bit_for_bit(model):
    before, picture = weights_of(model), RNG.normal(size=(1, 12, 16)).astype(np.float32)
    output = keras.ops.convert_to_numpy(model(picture))
    with cascade(model, seed=0) as stages:
        list(stages)
        assert np.abs(keras.ops.convert_to_numpy(model(picture)) - output).max() > 1e-3
    with pytest.raises(KeyError), cascade(model, seed=0) as stages:
        {}[next(stages)]
    with cascade(model, seed=0) as stages:
        next(stages)
    after = weights_of(model)
    for name, values in before.items():
        for old, new in zip(values, after[name], strict=True):
            np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(picture)), output)


def test_weights_are_drawn_as_before_training(model):
    factor = model.get_layer("scale").get_weights()[0]
    with cascade(model, seed=0) as stages:
        list(stages)
        drawn = weights_of(model)
    gamma, beta, mean, variance = drawn["bn"]
    assert (gamma == 1).all()
    assert (variance == 1).all()
    assert (beta == 0).all()
    assert (mean == 0).all()
    assert (drawn["conv"][1] == 0).all()
    limit = np.sqrt(6 / (9 + 72))
    assert limit > np.abs(drawn["conv"][0]).max() > 0.8 * limit
    depthwise = drawn["depthwise"][0]
    assert np.abs(depthwise).max() < 3 * np.sqrt(2 / 72)
    assert depthwise.std() > 0.05
    np.testing.assert_array_equal(np.sort(drawn["scale"][0]), np.sort(factor))


def test_an_untrained_network_changes_too():
    network = _build()
    before = weights_of(network)["conv"][0]
    with cascade(network, seed=0) as stages:
        list(stages)
        assert (weights_of(network)["conv"][0] != before).all()


def test_the_seed_decides_the_weights(model):
    drawn = []
    for seed in (1, 1, 2):
        with cascade(model, seed=seed) as stages:
            list(stages)
            drawn.append(weights_of(model)["conv"][0])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).all()


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        (1, ["conv"]),
        (2, ["logits", "conv"]),
        (3, ["logits", "depthwise", "conv"]),
        (5, NAMES),
        (9, NAMES),
    ],
)
def test_layers_are_grouped_with_the_logits_alone(model, steps, names):
    before, seen = weights_of(model), []
    with cascade(model, seed=0, steps=steps) as stages:
        for name, _ in stages:
            expected = set(NAMES[: NAMES.index(name) + 1])
            assert set(changed(before, weights_of(model))) == expected
            seen.append(name)
    assert seen == names


def test_there_must_be_steps_and_weights(model):
    with (
        pytest.raises(ValueError, match="received 0 and 5 layers"),
        cascade(model, seed=0, steps=0),
    ):
        pass
    empty = keras.Sequential([keras.Input((3,)), layers.Softmax()])
    with pytest.raises(ValueError, match="received None and 0 layers"), cascade(empty, seed=0):
        pass


def test_ranks_of_maps_are_compared():
    maps = RNG.normal(size=(4, 8, 16))
    others = np.stack(
        [np.exp(maps[0]), -(maps[1] ** 3), np.zeros((8, 16)), RNG.normal(size=(8, 16))]
    )
    right, wrong, constant, random = rank_correlation(maps, others)
    assert right == pytest.approx(1)
    assert wrong == pytest.approx(-1)
    assert constant == 0
    assert abs(random) < 4 / np.sqrt(128)
    np.testing.assert_allclose(rank_correlation(np.abs(maps), np.abs(-maps)), 1)


def test_ties_share_their_mean_rank():
    first, second = np.array([[[1.0, 1, 2, 3]]]), np.array([[[1.0, 2, 3, 3]]])
    # Ranks 1.5 1.5 3 4 and 1 2 3.5 3.5: covariance 4, variances 4.5 both.
    assert rank_correlation(first, second) == pytest.approx([4 / 4.5])
    with pytest.raises(ValueError, match=r"\(1, 1, 4\) and \(4,\)"):
        rank_correlation(first, second[0, 0])
