import keras
import numpy as np
import pytest
from keras import layers

from hbac.explain import feature_layers, last_feature_layer, upsample
from hbac.explain.gradcam import gradcam

RNG = np.random.default_rng(0)
SIZE = (12, 16)
BRIGHT, DARK = (slice(2, 5), slice(3, 7)), (slice(7, 10), slice(9, 14))


@pytest.fixture(scope="module")
def toy():
    """A network whose class 0 counts bright pixels and class 1 dark ones; four more are random."""
    image = keras.Input(SIZE, name="image")
    features = layers.Reshape((*SIZE, 1))(image)
    features = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="features")(features)
    pooled = layers.GlobalAveragePooling2D()(features)
    logits = layers.Dense(6, name="logits")(pooled)
    model = keras.Model(image, layers.Softmax()(logits))
    model.get_layer("features").set_weights([np.array([[[[1.0, -1.0]]]])])
    kernel = np.hstack([np.eye(2), RNG.normal(size=(2, 4))])
    model.get_layer("logits").set_weights([kernel, RNG.normal(size=6)])
    return model


@pytest.fixture(scope="module")
def deep():
    """Two convolutions, with a path around the layer ``branch``."""
    image = keras.Input(SIZE, name="image")
    features = layers.Reshape((*SIZE, 1), name="picture")(image)
    features = layers.Conv2D(4, 3, strides=2, padding="same", name="early")(features)
    branch = layers.Conv2D(4, 3, padding="same", activation="tanh", name="branch")(features)
    features = layers.Add(name="sum")([features, branch])
    features = layers.Conv2D(5, 3, strides=2, padding="same", name="late")(features)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features)
    logits = layers.Dense(6, name="logits")(pooled)
    return keras.Model(image, layers.Softmax()(logits), name="deep")


@pytest.fixture(scope="module")
def images():
    pictures = np.zeros((3, *SIZE), np.float16)
    pictures[:, *BRIGHT] = 1
    pictures[:, *DARK] = -2
    return pictures


def test_each_class_finds_its_own_planted_square(toy, images):
    maps = gradcam(toy, images, class_indices=[0, 1])
    assert maps.shape == (3, 2, *SIZE)
    assert maps.dtype == np.float32
    for number, square in enumerate((BRIGHT, DARK)):
        inside = np.zeros(SIZE, bool)
        inside[square] = True
        assert (maps[:, number][:, inside] > 0).all()
        assert (maps[:, number][:, ~inside] == 0).all()


def test_before_average_and_dense_it_is_the_closed_form(toy):
    pictures = RNG.normal(size=(5, *SIZE)).astype(np.float32)
    activations = np.stack([pictures, -pictures], axis=-1).clip(0)
    kernel = toy.get_layer("logits").get_weights()[0]
    expected = np.einsum("nhwk,kc->nchw", activations, kernel) / np.prod(SIZE)
    signed = gradcam(toy, pictures, signed=True, batch_size=2)
    np.testing.assert_allclose(signed, expected, atol=1e-7)
    np.testing.assert_allclose(gradcam(toy, pictures), expected.clip(0), atol=1e-7)
    assert signed.min() < 0


def test_it_explains_scores_and_not_probabilities(toy, images):
    kernel, bias = toy.get_layer("logits").get_weights()
    toy.get_layer("logits").set_weights([kernel, bias + 50 * np.eye(6)[0]])
    saturated = gradcam(toy, images, class_indices=[0])
    toy.get_layer("logits").set_weights([kernel, bias])
    np.testing.assert_allclose(saturated, gradcam(toy, images, class_indices=[0]))


def test_finer_layers_can_be_asked_for(deep):
    pictures = RNG.normal(size=(4, *SIZE))
    assert feature_layers(deep) == {"sum": (6, 8), "late": (3, 4)}
    assert last_feature_layer(deep) == "late"
    assert gradcam(deep, pictures).shape == (4, 6, 3, 4)
    fine = gradcam(deep, pictures, layer="sum", class_indices=[5, 2], signed=True)
    assert fine.shape == (4, 2, 6, 8)
    np.testing.assert_allclose(
        fine[:, 1], gradcam(deep, pictures, layer="sum", signed=True)[:, 2], atol=1e-6
    )


def test_finer_maps_weight_features_by_their_mean_gradient(deep):
    """The sum over cells of gradient times a constant picture is the directional derivative."""
    pictures = RNG.normal(size=(1, *SIZE)).astype(np.float32)
    tail = keras.Model(deep.get_layer("sum").output, deep.get_layer("logits").output)
    head = keras.Model(deep.input, deep.get_layer("sum").output)
    activations = keras.ops.convert_to_numpy(head(pictures))
    steps = 0.05 * np.eye(4, dtype=np.float32)[:, None, None, None]
    rise = [
        keras.ops.convert_to_numpy(tail(activations + step) - tail(activations - step)) / 0.1
        for step in steps
    ]
    weights = np.stack(rise, axis=-1) / activations[0, ..., 0].size
    expected = np.einsum("nck,nhwk->nchw", weights, activations)
    np.testing.assert_allclose(
        gradcam(deep, pictures, layer="sum", signed=True), expected, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("top_conv", r"'deep' has no layer 'top_conv'; .*'sum': \(6, 8\), 'late': \(3, 4\)"),
        ("branch", r"can't be cut at layer 'branch'.*'sum': \(6, 8\)"),
        ("pooled", "can't be cut at layer 'pooled'"),
    ],
)
def test_unusable_layers_are_named(deep, layer, message):
    with pytest.raises(ValueError, match=message):
        gradcam(deep, np.zeros((1, *SIZE)), layer=layer)


def test_unusable_input_is_named(deep):
    with pytest.raises(ValueError, match=r"\(windows, 12, 16\), received \(1, 5, 5\)"):
        gradcam(deep, np.zeros((1, 5, 5)))
    with pytest.raises(ValueError, match=r"within 0\.\.5, received 6"):
        gradcam(deep, np.zeros((1, *SIZE)), class_indices=[0, 6])
    with pytest.raises(ValueError, match="received 0 and 6"):
        gradcam(deep, np.zeros((0, *SIZE)))
    dense = keras.Sequential([keras.Input(SIZE), layers.Flatten(), layers.Dense(6, name="logits")])
    with pytest.raises(ValueError, match="no convolutional feature maps"):
        gradcam(dense, np.zeros((1, *SIZE)))


def test_upsampling_is_linear_between_cell_centres():
    np.testing.assert_allclose(upsample(np.array([[0.0, 1.0]]), (1, 4)), [[0, 0.25, 0.75, 1]])
    np.testing.assert_allclose(upsample(np.full((2, 6, 3, 5), 7.0), (12, 16)), 7.0, rtol=1e-6)
    ramp = np.arange(8.0)
    enlarged = upsample(ramp[:, None] + ramp, (16, 32))
    rows, columns = (np.arange(16) + 0.5) / 2 - 0.5, (np.arange(32) + 0.5) / 4 - 0.5
    expected = rows[:, None] + columns
    np.testing.assert_allclose(enlarged[1:-1, 2:-2], expected[1:-1, 2:-2], rtol=1e-5)
