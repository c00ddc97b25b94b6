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

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.models.inputs import Input
from hbac.pipelines.modeling.input_nodes import assemble_images, assemble_waveforms
from hbac.pipelines.modeling.params import ImageParams, ModelingParams, WaveformParams
from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms
from hbac.pipelines.spectrogram.params import CLEANING, SpectrogramParams

_SECONDS = WINDOW_ROWS * ROW_SECONDS
_EXTRA_ROWS = 20

_PANEL_ROWS, _PANEL_COLUMNS, _SAMPLES = 4, 4, 8
"""How many values are kept of a panel, down and across, and of a bipolar channel."""

_TOLERANCE = 0.02
"""Far above what float16 and another processor change, far below what a panel or a channel
holds."""

_WINDOWS = pd.DataFrame(
    {
        "eeg_id": 1,
        "window": 0,
        "eeg_offset_seconds": (_SECONDS - WINDOW_SECONDS) / 2,
        "spectrogram_id": 2,
        "spectrogram_offset_seconds": float(_EXTRA_ROWS),
        "spectrogram_source": ["computed", "file"],
    }
)


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
def _whole_recording() -> Recording:
    """Ten minutes of EEG."""
    time = np.arange(_SECONDS * SAMPLING_RATE) / SAMPLING_RATE
    data = np.stack([_channel(number, time) for number in range(len(CHANNELS))])
    gap = (time > _SECONDS / 2 + 3) & (time < _SECONDS / 2 + 9)
    data[CHANNELS.index("P3"), gap] = np.nan
    return Recording(data.astype(np.float32), CHANNELS)


def _recording(channels: tuple[str, ...] = CHANNELS) -> Recording:
    chosen = [CHANNELS.index(name) for name in channels]
    return Recording(_whole_recording().data[chosen], channels)


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


def describe_pictures(image: ImageParams, spectrogram: SpectrogramParams) -> list[list[float]]:
    """Make the pictures of both reference windows, and take single values of them.

    Args:
        image: the picture's parameters.
        spectrogram: how the EEG is cleaned and its spectrograms made.

    Returns:
        A row a line of pixels, 4 a panel and window, of 4 values a panel.
    """
    eegs = {"1": _recording}
    panels = compute_eeg_spectrograms(eegs, _WINDOWS.head(1), spectrogram)
    made = assemble_images(_WINDOWS, eegs, {"2": _regional_power}, panels, image)
    height, width = image.layout.size
    rows = _spread(height, len(CHAINS) * _PANEL_ROWS)
    columns = _spread(width, len(image.sources) * _PANEL_COLUMNS)
    return _rounded(np.vstack([made[window]()[np.ix_(rows, columns)] for window in _WINDOWS.index]))


def describe_waveforms(cleaning: Mapping[str, Any], waveform: WaveformParams) -> list[list[float]]:
    """Make the bipolar EEG of the first reference window, and take single values of it.

    Args:
        cleaning: ``clip``, ``notch`` and ``band_pass``.
        waveform: how much of it networks see, and at which rate.

    Returns:
        A row a bipolar channel, of 8 values.
    """
    made = assemble_waveforms(_WINDOWS.head(1), {"1": _recording}, cleaning, waveform)[0]()
    return _rounded(made[:, _spread(made.shape[1], _SAMPLES)])


def describe_references(
    params: ModelingParams, spectrogram: SpectrogramParams
) -> dict[Input, list[list[float]]]:
    """Describe the reference windows as the networks see them, by what they see."""
    makers = {
        "picture": partial(describe_pictures, params.image, spectrogram),
        "waveform": partial(describe_waveforms, spectrogram.cleaning, params.waveform),
    }
    return {kind: makers[kind]() for kind in sorted(params.network.inputs)}


def _check(kind: Input, ensemble: Mapping[str, Any], describe: Callable[[], list]) -> None:
    known = ensemble.get("reference", {}).get(kind)
    if known is None:
        raise ValueError(
            f"ensemble.json does not say how a reference {kind} looked when its networks were "
            "trained, since an earlier hbac wrote it: train again with this one, or predict with "
            "that one"
        )
    away = np.abs(np.array(describe()) - known) / np.maximum(np.abs(known), 1)
    # What is missing now or was missing then alone is NaN.
    if not away.max() <= _TOLERANCE:
        raise ValueError(
            f"a reference {kind} differs by {away.max():.3g} from the one that was made when the "
            f"networks were trained: the code or a library that makes {kind}s has changed since; "
            "train again, or go back to that version"
        )


def check_pictures(ensemble: Mapping[str, Any], spectrogram: SpectrogramParams) -> None:
    """Refuse to feed networks with pictures that are not made as theirs were.

    Args:
        ensemble: the record that ``modeling`` left beside the networks.
        spectrogram: how the EEG is cleaned and its spectrograms made now.

    Raises:
        ValueError: if a parameter differs, the reference windows look otherwise, or the record
            does not say how they looked.
    """
    trained_on = ensemble["spectrogram"]
    made = spectrogram.model_dump(mode="json", include=set(trained_on))
    if made != trained_on:
        raise ValueError(
            f"the networks were trained on EEG spectrograms with {trained_on}, these were made "
            f"with {made}: set the parameter spectrogram to the former"
        )
    image = ImageParams(**ensemble["image"])
    _check("picture", ensemble, partial(describe_pictures, image, spectrogram))


def waveforms_of(ensemble: Mapping[str, Any]) -> tuple[dict[str, Any], WaveformParams]:
    """How an ensemble's waveforms are made, which its record alone says.

    Returns:
        ``clip``, ``notch`` and ``band_pass``; and how much is seen, at which rate.
    """
    cleaning = {name: ensemble["spectrogram"][name] for name in CLEANING}
    return cleaning, WaveformParams.of_ensemble(ensemble)


def check_waveforms(ensemble: Mapping[str, Any]) -> None:
    """Refuse to feed networks with waveforms that are not made as theirs were.

    Args:
        ensemble: the record that ``modeling`` left beside the networks.

    Raises:
        ValueError: if the reference window looks otherwise, or the record does not say how it
            looked.
    """
    _check("waveform", ensemble, partial(describe_waveforms, *waveforms_of(ensemble)))
