"""The same small network, weights copied, under pytorch-grad-cam."""

import importlib.util
import sys
import types

import keras
import numpy as np
import pytest

from hbac.explain.eigencam import eigencam
from hbac.explain.gradcam import gradcam
from hbac.explain.gradcam_plusplus import gradcam_plusplus
from hbac.explain.hirescam import hirescam
from hbac.explain.layercam import layercam

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "pytorch_grad_cam")),
    reason="pytorch-grad-cam and torch are not installed: .ci/run says how to",
)

SIZE = (10, 14)


@pytest.fixture(scope="module")
def reference():
    """The package ``pytorch_grad_cam``; of torchvision it needs nothing but names here."""
    # PyPI has no torchvision for a torch without CUDA.
    stand_in = types.ModuleType("torchvision")
    stand_in.transforms = types.ModuleType("torchvision.transforms")
    stand_in.transforms.functional = types.ModuleType("torchvision.transforms.functional")
    for name in ("Compose", "Normalize", "ToTensor"):
        setattr(stand_in.transforms, name, None)
    stand_in.transforms.functional.resize = None
    modules = {
        "torchvision": stand_in,
        "torchvision.transforms": stand_in.transforms,
        "torchvision.transforms.functional": stand_in.transforms.functional,
    }
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    import pytorch_grad_cam

    yield pytorch_grad_cam
    for name, module in before.items():
        if module is None:
            del sys.modules[name]
        else:
            sys.modules[name] = module


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZE)
    features = keras.layers.Reshape((*SIZE, 1))(image)
    features = keras.layers.Conv2D(5, 3, padding="same", name="first_conv")(features)
    features = keras.layers.Activation("relu", name="first")(features)
    features = keras.layers.Conv2D(7, 3, padding="same", name="second_conv")(features)
    features = keras.layers.Activation("relu", name="second")(features)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    # Large weights: the reference adds 1e-6 to a divisor of Grad-CAM++.
    logits = keras.layers.Dense(6, name="logits", kernel_initializer="random_normal")(pooled)
    model = keras.Model(image, keras.layers.Softmax()(logits))
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([3e4 * kernel, bias])
    return model


@pytest.fixture(scope="module")
def twin(network):
    """The same network in torch."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    model = nn.Sequential(
        *(nn.Conv2d(1, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 7, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 6)),
    )
    for place, name in ((0, "first_conv"), (2, "second_conv"), (6, "logits")):
        kernel, bias = network.get_layer(name).get_weights()
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        model[place].weight.data = torch.from_numpy(kernel.transpose(order).copy())
        model[place].bias.data = torch.from_numpy(bias)
    return model.eval()


def reference_map(reference, name, twin, layer, images, index):
    """The package's own map of one class, before it is scaled to 0..1."""
    import torch

    pictures = torch.from_numpy(images[:, None])
    with getattr(reference, name)(model=twin, target_layers=[layer]) as cam:
        scores = cam.activations_and_grads(pictures)
        twin.zero_grad()
        scores[:, index].sum().backward()
        features = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        return cam.get_cam_image(pictures, layer, None, features, gradients, False)


@pytest.mark.parametrize("layer", ["first", "second"])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        (gradcam, "GradCAM"),
        (gradcam_plusplus, "GradCAMPlusPlus"),
        (hirescam, "HiResCAM"),
        (layercam, "LayerCAM"),
        (eigencam, "EigenCAM"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_maps_are_those_of_pytorch_grad_cam(reference, network, twin, method, name, layer):
    images = np.random.default_rng(0).normal(size=(3, *SIZE)).astype(np.float32)
    torch_layer = twin[{"first": 1, "second": 3}[layer]]
    maps = method(network, images, layer=layer, signed=name == "EigenCAM")
    assert maps.max() > 0
    for index in range(6):
        expected = reference_map(reference, name, twin, torch_layer, images, index)
        if name == "EigenCAM":  # of which the reference leaves the sign to chance
            signs = np.sign((expected * maps[:, index]).sum(axis=(1, 2), keepdims=True))
            expected = signs * expected
        else:
            expected = np.maximum(expected, 0)
        scale = np.abs(expected).max() or 1
        np.testing.assert_allclose(maps[:, index] / scale, expected / scale, atol=2e-4)
