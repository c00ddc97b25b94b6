"""Two windows that are always the same, by which two ways of preprocessing are compared.

The record beside the networks holds what networks saw of them when they were trained. Inference
makes them again, by the functions that make every other window: parameters alone would not tell
that the code or a library in between has changed.

The recording looks the same neither upside down, nor backwards, nor with chains or hemispheres
exchanged, nor louder: each channel has a rhythm, an amplitude and an onset of its own over noise
that falls with frequency. An electrode is missing for a while. Of what networks see, single values
are kept, since noise is another a pixel or a sample further.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.regional import (
    ROW_SECONDS,
    WINDOW_ROWS,
    regional_window,
    regional_window_from_eeg,
)
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.models.image import ImageLayout
from hbac.models.inputs import Input
from hbac.models.preprocessing import (
    picture_layout,
    waveforms_of,
    window_panels,
    window_picture,
    window_waveforms,
)
from hbac.models.waveform import WaveformLayout

_SECONDS = WINDOW_ROWS * ROW_SECONDS
_START = (_SECONDS - WINDOW_SECONDS) / 2
_EXTRA_ROWS = 20

_PANEL_ROWS, _PANEL_COLUMNS, _SAMPLES = 4, 4, 8
"""How many values are kept of the lowest panels, down and across, and of a bipolar channel."""

_TOLERANCE = 0.02
"""Far above what float16 and another processor change, far below what a panel or a channel
holds."""


def _noise(samples: int, channel: int) -> np.ndarray:
    """Evenly spread numbers of -1 to 1 without order, the same with every version of NumPy."""
    steps = np.arange(samples, dtype=float) ** 2 * np.sqrt(channel + 2.0) / np.pi
    return 2 * (steps % 1) - 1


def _channel(number: int, time: np.ndarray) -> np.ndarray:
    """Microvolts of one channel."""
    noise = _noise(len(time), number)
    falling = np.convolve(noise, np.geomspace(1, 0.01, 40), mode="same")
    onset = 10 + 23 * number
    amplitude = (15 + 5 * number) * np.where(time % 500 > onset, 1, 0.4) * (1 + time / _SECONDS)
    rhythm = np.sin(2 * np.pi * (1.5 + 0.7 * number) * time + number)
    return amplitude * rhythm + 12 * falling + 3 * noise


@lru_cache(maxsize=1)
def reference_recording() -> Recording:
    """Ten minutes of EEG."""
    time = np.arange(_SECONDS * SAMPLING_RATE) / SAMPLING_RATE
    data = np.stack([_channel(number, time) for number in range(len(CHANNELS))])
    gap = (time > _SECONDS / 2 + 3) & (time < _SECONDS / 2 + 9)
    data[CHANNELS.index("P3"), gap] = np.nan
    return Recording(data.astype(np.float32), CHANNELS)


def _regional_power() -> np.ndarray:
    """A spectrogram file of a little over ten minutes, with rows missing."""
    rows = WINDOW_ROWS + _EXTRA_ROWS
    row, column = np.ogrid[:rows, : 100 * len(CHAINS)]
    chain, frequency = np.divmod(column, 100)
    decades = 2 - 0.02 * frequency + 0.3 * chain + 0.002 * row + 0.4 * np.sin((chain + 1) * row / 9)
    noise = _noise(rows * 100 * len(CHAINS), len(CHANNELS)).reshape(rows, -1)
    power = (10 ** (decades + 0.3 * noise)).astype(np.float32)
    power[180:215] = np.nan
    return power


def _spread(length: int, count: int) -> np.ndarray:
    """Places in the middle of so many equal parts."""
    return ((np.arange(count) + 0.5) * length / count).astype(int)


def _rounded(values: np.ndarray) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in values.astype(float).tolist()]


def describe_pictures(layout: ImageLayout, settings: Mapping[str, Any]) -> list[list[float]]:
    """Make the pictures of both reference windows, and take single values of them.

    Args:
        layout: the picture's.
        settings: how the EEG is cleaned and its spectrograms made; keywords of
            ``hbac.eeg.window_spectrograms``.

    Returns:
        A row a line of pixels, 4 a panel and window (where each channel has one, of those), of 4
        values a panel.
    """
    recording = reference_recording()
    panels = window_panels(recording.crop(_START, WINDOW_SECONDS), settings)
    powers = (
        regional_window_from_eeg(recording, recording.duration / 2),
        regional_window(_regional_power(), _EXTRA_ROWS),
    )
    height, width = layout.size
    rows = _spread(height, height // min(layout.panel_heights()) * _PANEL_ROWS)
    columns = _spread(width, len(layout.sources) * _PANEL_COLUMNS)
    pictures = [window_picture(power, panels, layout) for power in powers]
    return _rounded(np.vstack([picture[np.ix_(rows, columns)] for picture in pictures]))


def describe_waveforms(cleaning: Mapping[str, Any], layout: WaveformLayout) -> list[list[float]]:
    """Make the bipolar EEG of the reference window, and take single values of it.

    Args:
        cleaning: ``clip``, ``notch`` and ``band_pass``.
        layout: how much of it networks see, and at which rate.

    Returns:
        A row a bipolar channel, of 8 values.
    """
    window = reference_recording().crop(_START, WINDOW_SECONDS)
    made = layout.middle(window_waveforms(window, cleaning, layout))
    return _rounded(made[:, _spread(made.shape[1], _SAMPLES)])


def _describe(kind: Input, ensemble: Mapping[str, Any]) -> list[list[float]]:
    if kind == "picture":
        return describe_pictures(picture_layout(ensemble), ensemble["spectrogram"])
    return describe_waveforms(*waveforms_of(ensemble))


def check_reference(kind: Input, ensemble: Mapping[str, Any]) -> None:
    """Refuse to feed networks with what is not made as it was when they were trained.

    Args:
        kind: what they see.
        ensemble: the record that ``modeling`` left beside the networks.

    Raises:
        ValueError: if the reference windows look otherwise, or the record does not say how they
            looked.
    """
    known = ensemble.get("reference", {}).get(kind)
    if known is None:
        raise ValueError(
            f"ensemble.json does not say how a reference {kind} looked when its networks were "
            "trained, since an earlier hbac wrote it: train again with this one, or predict with "
            "that one"
        )
    made = np.array(_describe(kind, ensemble))
    away = np.abs(made - known) / np.maximum(np.abs(known), 1)
    # What is missing now or was missing then alone is NaN.
    if not away.max() <= _TOLERANCE:
        raise ValueError(
            f"a reference {kind} differs by {away.max():.3g} from the one that was made when the "
            f"networks were trained: the code or a library that makes {kind}s has changed since; "
            "train again, or go back to that version"
        )
