"""Which parameters a run shows: those that make networks differ, written as in the YAML files."""

from __future__ import annotations

import json
import re
from typing import Any

from hbac.models.inputs import INPUTS, split_names

CHANGED = ("demo_parameters", "pretraining_parameters")
"""Groups that hold the parameters of a pipeline which changes some of the others'."""

_SHOWN = re.compile(
    r"recipe|spectrogram\..+|modeling\..+|ensembling\..+|simulation\.(patients|ambiguity)"
)

_HIDDEN = {"modeling.network.jit_compile", "modeling.training.feed"}
"""Change how long a training takes, not what comes of it."""

_TRAINING = "modeling.training"
_WITHOUT_EFFECT = {
    (f"{_TRAINING}.schedule", "steps"): ("epochs", "peak_learning_rate", "warm_up_epochs"),
    (f"{_TRAINING}.schedule", "cosine"): ("learning_rates",),
    (f"{_TRAINING}.second_stage_votes", 0): ("second_stage_epochs", "second_stage_learning_rate"),
    (f"{_TRAINING}.teacher_votes", 0): ("teacher_fewest_votes",),
    ("spectrogram.wavelet", None): ("noise",),
}
"""By a parameter and its value, the others of its group that then mean nothing."""

_ARCHITECTURE = "modeling.network.architecture"
_OF_WAVEFORMS = re.compile(
    r"(modeling|seen)\.waveform\..+|modeling\.network\.waveform_pooling|modeling\.augmentation\."
    r"(gain|channel_gain|low_pass|high_pass|tilt|dip|noise|drop_channel)"
)
"""Parameters that mean nothing where no network sees waveforms."""

_DROP_CHANNEL = "modeling.augmentation.drop_channel"
"""Means something as well where pictures show every channel."""


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested dicts and typed parameters to names joined by dots."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if not isinstance(value, dict):
        return {prefix: value}
    flat = {}
    for name, item in value.items():
        flat |= flatten(item, f"{prefix}.{name}" if prefix else str(name))
    return flat


def _sees_waveforms(architecture: Any) -> bool:
    """Whether one of the architectures does, or may do where there is no telling."""
    try:
        return "waveform" in {INPUTS[name] for name in split_names(architecture)}
    except (AttributeError, ValueError):
        return True


def without_effect(flat: dict[str, Any]) -> dict[str, str]:
    """Find parameters that change nothing beside the values of others.

    Args:
        flat: values by flat name.

    Returns:
        By their names, the parameter whose value makes it so.
    """
    found = {
        f"{name.rpartition('.')[0]}.{other}": name
        for (name, value), others in _WITHOUT_EFFECT.items()
        if name in flat and flat[name] == value
        for other in others
    }
    if not _sees_waveforms(flat.get(_ARCHITECTURE)):
        unused = {name for name in flat if _OF_WAVEFORMS.fullmatch(name)}
        if flat.get("modeling.image.channels") == "all":
            unused -= {_DROP_CHANNEL}
        found |= dict.fromkeys(unused, _ARCHITECTURE)
    return found


def readable_parameters(parameters: dict[str, Any]) -> dict[str, str]:
    """Choose and write out the parameters that make networks differ.

    Args:
        parameters: by the name that ``kedro run --params`` knows, without a group of ``CHANGED``;
            nested or typed.

    Returns:
        By flat name, the value as YAML has it: ``true``, ``null``, ``[0.5, 20.0]``.
    """
    flat = flatten(parameters)
    hidden = _HIDDEN | without_effect(flat).keys()
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in flat.items()
        if _SHOWN.fullmatch(name) and name not in hidden
    }
