"""What each architecture looks at, known without Keras, so that pipelines can be wired."""

from __future__ import annotations

from typing import Literal

Input = Literal["picture", "waveform"]
"""``picture``: spectrogram panels, shape ``(height, width)``; ``waveform``: the bipolar EEG,
shape ``(channels, samples)``."""

INPUTS: dict[str, Input] = {
    "efficientnet_b0": "picture",
    "efficientnet_b2": "picture",
    "efficientnet_v2_s": "picture",
    "compact": "picture",
    "resnet_1d": "waveform",
}
"""What the networks see, by the name of their architecture."""

PRETRAINED = ("efficientnet_b0", "efficientnet_b2", "efficientnet_v2_s")
"""Architectures for which Keras has ImageNet weights; all others start from random ones."""


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
