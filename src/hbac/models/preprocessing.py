"""How a window of EEG becomes what networks see, as the record beside them says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hbac import eeg
from hbac.eeg.filters import CLEANING
from hbac.eeg.half import to_half
from hbac.eeg.recording import Recording
from hbac.eeg.regional import WINDOW_ROWS
from hbac.eeg.shape import AS_FIRST, WINDOW_SECONDS
from hbac.eeg.waveform import bipolar_waveforms
from hbac.models.image import ImageLayout, build_image
from hbac.models.inputs import Input
from hbac.models.missing import fill_missing
from hbac.models.waveform import WaveformLayout, middle_columns, mirror_waveforms

_BEFORE = {"seconds": WINDOW_SECONDS, "sampling_rate": 100, "scale": "fixed"}


def seen_waveform(ensemble: Mapping[str, Any]) -> dict[str, Any]:
    """What networks see of the EEG itself; a record of before there was a choice has none.

    Returns:
        ``seconds``, ``sampling_rate`` and ``scale``.
    """
    return dict(ensemble.get("waveform", _BEFORE))


def cleaning_of(ensemble: Mapping[str, Any]) -> dict[str, Any]:
    """How the EEG was cleaned: ``clip``, ``notch`` and ``band_pass``."""
    return {name: ensemble["spectrogram"][name] for name in CLEANING}


def waveforms_of(ensemble: Mapping[str, Any]) -> tuple[dict[str, Any], WaveformLayout]:
    """How an ensemble's waveforms are made, which its record alone says: cleaning and layout."""
    return cleaning_of(ensemble), waveform_layout(ensemble)


def panel_settings(ensemble: Mapping[str, Any]) -> dict[str, Any]:
    """How the EEG spectrograms are made; a record of before there was a choice does not say all.

    Returns:
        Keywords of ``hbac.eeg.window_spectrograms``.
    """
    return AS_FIRST | dict(ensemble["spectrogram"])


def picture_layout(ensemble: Mapping[str, Any]) -> ImageLayout:
    """Return how the networks' pictures are laid out."""
    made = panel_settings(ensemble)
    shown = {name: made[name] for name in ("channels", "montage")}
    return ImageLayout.of_panels(**ensemble["image"] | shown)


def waveform_layout(ensemble: Mapping[str, Any]) -> WaveformLayout:
    """Return how the networks' waveforms are laid out."""
    seen = seen_waveform(ensemble)
    return WaveformLayout.of_seconds(seen["seconds"], seen["sampling_rate"])


def kind_of(name: str) -> Input:
    """Whether an input, such as ``picture_2``, is a picture or a waveform."""
    return "picture" if name.startswith("picture") else "waveform"


def record_of(ensemble: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The record as far as it speaks of one input.

    Runs that were joined may see different pictures and waveforms. What the ensemble's own
    ``image``, ``waveform``, ``spectrogram`` and ``reference`` do not hold for is named in
    ``layouts``, with its own ones.
    """
    return {**ensemble, **ensemble.get("layouts", {}).get(name, {})}


def _mirror(ensemble: Mapping[str, Any], name: str) -> Any:
    is_picture = kind_of(name) == "picture"
    return picture_layout(record_of(ensemble, name)).mirror if is_picture else mirror_waveforms


def mirrors_of(ensemble: Mapping[str, Any]) -> dict[str, Any]:
    """What swaps the hemispheres of each input that networks see."""
    return {name: _mirror(ensemble, name) for name in kinds_seen(ensemble)}


def kinds_seen(ensemble: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what the networks of an ensemble see, each once, in alphabetical order."""
    return tuple(sorted({entry["input"] for entry in ensemble["networks"]}))


def sees_ten_minutes(ensemble: Mapping[str, Any]) -> bool:
    """Whether a network sees the 10-minute regional spectrogram."""
    pictures = (name for name in kinds_seen(ensemble) if kind_of(name) == "picture")
    layouts = (picture_layout(record_of(ensemble, name)) for name in pictures)
    return any("regional" in layout.sources for layout in layouts)


def window_panels(window: Recording, settings: Mapping[str, Any]) -> np.ndarray:
    """Make the EEG spectrograms of one window, in half precision, as they are stored.

    Args:
        window: 50 s of EEG.
        settings: keywords of ``hbac.eeg.window_spectrograms``.

    Returns:
        Shape ``(128, 256, 4)`` or ``(128, 256, 8)``, float16.
    """
    return to_half(eeg.window_spectrograms(window, **settings))


def window_picture(power: np.ndarray | None, panels: np.ndarray, layout: ImageLayout) -> np.ndarray:
    """Lay out the picture of one window.

    Args:
        power: regional power of its 10 minutes, shape ``(300, 400)``; None where there is none.
        panels: its EEG spectrograms; see ``window_panels``.
        layout: which panels, how, and how large.

    Returns:
        Shape ``layout.size``, float16.
    """
    empty = np.full((WINDOW_ROWS, 400), np.nan, np.float32)
    return build_image(empty if power is None else power, np.asarray(panels, np.float32), layout)


def middle_of(window: np.ndarray, layout: WaveformLayout) -> np.ndarray:
    """Take what networks see of a cleaned window, as it is stored.

    Args:
        window: all of its 50 s at the layout's rate, shape ``(16, samples)``, NaN where missing.
        layout: how much of it is seen.

    Returns:
        Shape ``(16, layout.stored_columns)``, float16.
    """
    return to_half(fill_missing(middle_columns(window, layout.stored_columns)))


def window_waveforms(
    window: Recording, cleaning: Mapping[str, Any], layout: WaveformLayout
) -> np.ndarray:
    """Lay out the bipolar EEG of the middle of one window.

    All of the window is cleaned, so that filters have settled where the middle begins.

    Args:
        window: 50 s of EEG.
        cleaning: ``clip``, ``notch`` and ``band_pass``; see ``hbac.eeg.bipolar_waveforms``.
        layout: how much of it is seen, and at which rate.

    Returns:
        Shape ``(16, layout.stored_columns)``, float16.
    """
    whole = bipolar_waveforms(window, **cleaning, sampling_rate=layout.sampling_rate)
    return middle_of(whole, layout)
