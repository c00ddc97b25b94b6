"""The example that converts weights of another framework."""

import keras
import numpy as np
import pytest

from hbac.models import build_model
from tests.docs.test_extending import example
from tests.models.test_architecture import normalization

SIZE = (32, 32)


@pytest.fixture(scope="module")
def convert_weights():
    return example("convert_weights")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("stem_conv", "conv_stem"),
        ("block1a_dwconv", "blocks.0.0.conv_dw"),
        ("block1a_bn", "blocks.0.0.bn1"),
        ("block1b_project_conv", "blocks.0.1.conv_pw"),
        ("block4c_expand_conv", "blocks.3.2.conv_pw"),
        ("block6d_se_expand", "blocks.5.3.se.conv_expand"),
        ("block7a_project_bn", "blocks.6.0.bn3"),
        ("top_bn", "bn2"),
    ],
)
def test_layers_are_told_by_their_names(convert_weights, ours, theirs):
    assert convert_weights.name_in_timm(ours) == theirs


def test_kernels_are_turned(convert_weights):
    rng = np.random.default_rng(0)
    plain, depthwise = rng.normal(size=(5, 3, 2, 4)), rng.normal(size=(3, 1, 2, 4))
    weights = {"conv_stem.weight": plain, "blocks.1.0.conv_dw.weight": depthwise}
    conv = keras.layers.Conv2D(5, (2, 4), use_bias=False, name="stem_conv")
    (kernel,) = convert_weights.converted(conv, weights)
    assert kernel.shape == (2, 4, 3, 5)
    assert kernel[1, 3, 2, 4] == plain[4, 2, 1, 3]
    conv = keras.layers.DepthwiseConv2D((2, 4), use_bias=False, name="block2a_dwconv")
    (kernel,) = convert_weights.converted(conv, weights)
    assert kernel.shape == (2, 4, 3, 1)
    assert kernel[1, 3, 2, 0] == depthwise[2, 0, 1, 3]


class AnyWeights(dict):
    """By timm's name, what its network would have: here the number of the weight, in its shape."""

    def __init__(self, convert_weights, network):
        for layer in network.layers:
            if not layer.weights or isinstance(layer, keras.layers.Normalization):
                continue
            name = convert_weights.name_in_timm(layer.name)
            if isinstance(layer, keras.layers.BatchNormalization):
                for part in ("weight", "bias", "running_mean", "running_var"):
                    self[f"{name}.{part}"] = np.full(layer.gamma.shape, 1.0 + len(self))
                continue
            rows, columns, into, out = layer.kernel.shape
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            shape = (into, 1, rows, columns) if depthwise else (out, into, rows, columns)
            self[f"{name}.weight"] = np.full(shape, 1.0 + len(self))
            if layer.use_bias:
                self[f"{name}.bias"] = np.full(out, 1.0 + len(self))


@pytest.mark.slow
def test_a_network_starts_from_the_converted_file(convert_weights, tmp_path):
    network = keras.applications.EfficientNetB0(include_top=False, weights=None)
    weights = AnyWeights(convert_weights, network)
    file = tmp_path / "b0.weights.h5"
    convert_weights.convert("efficientnet_b0", weights, str(file))
    model = build_model(image_size=SIZE, weights=str(file))
    first = model.get_layer("block2a_dwconv").get_weights()[0]
    assert np.unique(first).tolist() == [weights["blocks.1.0.conv_dw.weight"].flat[0]]
    last = model.get_layer("top_bn").get_weights()
    assert last[3][0] == weights["bn2.running_var"][0]
    # Of the whole deviation one root is in the layer, and the other in the kernel.
    deviation = normalization(model).get_weights()[1]
    np.testing.assert_allclose(deviation, [0.229, 0.224, 0.225], rtol=1e-6)
    kernel = model.get_layer("stem_conv").get_weights()[0]
    start = weights["conv_stem.weight"].flat[0] / np.sqrt([0.229, 0.224, 0.225])
    np.testing.assert_allclose(kernel[0, 0, :, 0], start, rtol=1e-6)
