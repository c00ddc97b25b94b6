"""Weights of timm's EfficientNets for ours, such as those of Noisy Student training.

  pip install safetensors
  python docs/examples/convert_weights.py efficientnet_b0 model.safetensors b0.weights.h5
  kedro run --params modeling.network.weights=b0.weights.h5

``model.safetensors`` is the file of one of timm's models whose name begins with
``tf_efficientnet``, since these pad their convolutions as Keras does. Of other frameworks and
networks the same is to be done: tell which layer is which, and turn the axes of kernels.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping

import keras
import numpy as np

NETWORKS = {
    "efficientnet_b0": keras.applications.EfficientNetB0,
    "efficientnet_b2": keras.applications.EfficientNetB2,
}

ENDS = {"stem_conv": "conv_stem", "stem_bn": "bn1", "top_conv": "conv_head", "top_bn": "bn2"}
"""By Keras' name of a layer, timm's."""

IN_BLOCKS = {"expand_conv": "conv_pw", "expand_bn": "bn1", "dwconv": "conv_dw", "bn": "bn2"}
IN_BLOCKS |= {"se_reduce": "se.conv_reduce", "se_expand": "se.conv_expand"}
IN_BLOCKS |= {"project_conv": "conv_pwl", "project_bn": "bn3"}

WITHOUT_EXPANSION = IN_BLOCKS | {"bn": "bn1", "project_conv": "conv_pw", "project_bn": "bn2"}
"""In the first blocks, which make their features no wider before they look around."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pixels of ImageNet. Keras' files hold the deviation where its layer has the variance, and
divide by the root of it once more, as does hbac."""


def name_in_timm(layer: str) -> str:
    """Tell what timm calls a layer of Keras' network."""
    if layer in ENDS:
        return ENDS[layer]
    stage, block, part = re.fullmatch(r"block(\d)([a-z])_(\w+)", layer).groups()
    parts = WITHOUT_EXPANSION if stage == "1" else IN_BLOCKS
    return f"blocks.{int(stage) - 1}.{ord(block) - ord('a')}.{parts[part]}"


def converted(layer: keras.layers.Layer, weights: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the weights of a layer in Keras' order and with its axes."""
    name = name_in_timm(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield weights[f"{name}.{part}"]
        return
    # (out, in, rows, columns); of a kernel for each feature, in is 1 and comes last.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    yield weights[f"{name}.weight"].transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    if layer.use_bias:
        yield weights[f"{name}.bias"]


def convert(architecture: str, weights: Mapping[str, np.ndarray], file: str) -> None:
    """Write weights as the parameter ``modeling.network.weights`` takes them.

    Args:
        architecture: one of ``NETWORKS``.
        weights: by the name that timm gives them.
        file: where to; ends with ``.weights.h5``.
    """
    network = NETWORKS[architecture](include_top=False, weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([np.array(MEAN), np.array(DEVIATION), np.array(0)])
        elif layer.weights:
            layer.set_weights(list(converted(layer, weights)))
    network.save_weights(file)


def main() -> None:
    """Convert one file."""
    from safetensors.numpy import load_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=NETWORKS)
    parser.add_argument("source", help="timm's file")
    parser.add_argument("file", help="ends with .weights.h5")
    options = parser.parse_args()
    convert(options.architecture, load_file(options.source), options.file)


if __name__ == "__main__":
    main()
