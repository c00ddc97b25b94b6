"""The architectures by name: what each looks at and what builds it, known without Keras.

A network of your own is a function in a file of its own and a line at the end of this one; see
docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

Input = Literal["picture", "waveform"]
"""``picture``: spectrogram panels, shape ``(height, width)``; ``waveform``: the bipolar EEG,
shape ``(channels, samples)``."""

Pooling = Literal["average", "average_and_max", "gem", "centre_attention"]
"""How feature maps become features; see ``hbac.models.pooling.pool``."""

Build = Callable[[Any, str | None], Any]
"""From the input, a Keras tensor of shape ``(batch, height, width, 1)``, and the weights to feature
maps, shape ``(batch, rows, columns, channels)``."""

ARCHITECTURES: dict[str, Build | str] = {}
"""What builds a network, by name: a function, or where there is one, ``module:function``."""

INPUTS: dict[str, Input] = {}
"""What the networks see, by the name of their architecture."""

PRETRAINED: set[str] = set()
"""Architectures for which Keras has ImageNet weights; all others start from random ones."""


def register_architecture(
    name: str, build: Build | str, *, sees: Input, pretrained: bool = False
) -> None:
    """Give a network a name that the parameter ``modeling.network.architecture`` takes.

    Args:
        name: a Python identifier, since it becomes part of the names of datasets and files.
        build: a function from the input and the weights to feature maps; or where it is, as
            ``module:function``, so that Keras is only imported to build.
        sees: ``picture`` or ``waveform``.
        pretrained: whether ``build`` is given the parameter ``weights``; if not, it gets ``None``.

    Raises:
        ValueError: if the name is taken or no identifier, or there is no such input.
    """
    if not name.isidentifier():
        raise ValueError(f"the name of an architecture must be an identifier, received {name!r}")
    if name in ARCHITECTURES:
        raise ValueError(f"there is an architecture {name!r} already; choose another name")
    if sees not in get_args(Input):
        raise ValueError(f"sees must be one of {get_args(Input)}, received {sees!r}")
    ARCHITECTURES[name], INPUTS[name] = build, sees
    if pretrained:
        PRETRAINED.add(name)


def check_pooling(architecture: str, pooling: Pooling) -> None:
    """Refuse a pooling by time for pictures, whose columns are the time of several windows.

    Raises:
        ValueError: if the network sees pictures and the pooling looks at the middle of a window.
    """
    if pooling == "centre_attention" and INPUTS[architecture] == "picture":
        raise ValueError(
            f"centre_attention is for networks of waveforms, and {architecture} sees pictures, "
            "whose panels have no middle in common: set waveform_pooling to it instead"
        )


def split_names(architecture: str) -> tuple[str, ...]:
    """Split the names of architectures that are trained side by side.

    Args:
        architecture: names joined by ``+``, such as ``efficientnet_b0+resnet_1d``.

    Raises:
        ValueError: if a name is unknown or repeats.
    """
    names = tuple(name.strip() for name in architecture.split("+"))
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise ValueError(f"architecture must be one of {sorted(INPUTS)}, received {unknown[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"each architecture must be named once, received {architecture!r}")
    return names


for _name in ("efficientnet_b0", "efficientnet_b2", "efficientnet_v2_s"):
    register_architecture(
        _name, f"hbac.models.efficientnet:{_name}", sees="picture", pretrained=True
    )
    register_architecture(
        f"folded_{_name}", f"hbac.models.folded:folded_{_name}", sees="waveform", pretrained=True
    )
register_architecture("compact", "hbac.models.small:compact", sees="picture")
register_architecture("resnet_1d", "hbac.models.small:resnet_1d", sees="waveform")
register_architecture("symmetric_1d", "hbac.models.symmetric:symmetric_1d", sees="waveform")
register_architecture(
    "efficientnet_1d", "hbac.models.efficientnet_1d:efficientnet_1d", sees="waveform"
)
register_architecture("gru_1d", "hbac.models.sequence:gru_1d", sees="waveform")
register_architecture("squeezeformer_1d", "hbac.models.sequence:squeezeformer_1d", sees="waveform")
