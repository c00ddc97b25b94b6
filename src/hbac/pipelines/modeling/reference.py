"""A window that is always the same, by which two ways of preprocessing are compared.

The record beside the networks holds how it looked when they were trained. Inference makes it
again: parameters alone would not tell that the code or a library in between has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hbac.eeg.montage import CHAINS
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.regional import regional_window_from_eeg
from hbac.eeg.spectrogram import WINDOW_SECONDS, chain_spectrograms
from hbac.models.image import build_image
from hbac.pipelines.modeling.params import ImageParams
from hbac.pipelines.spectrogram.params import SpectrogramParams

_SECONDS = 600
_COLUMNS = 8
_TOLERANCE = 0.02
"""Far above what float16 and another processor change, far below what a panel holds."""


def _reference_recording() -> Recording:
    """Ten minutes whose channels differ in rhythm and amplitude."""
    time = np.arange(_SECONDS * SAMPLING_RATE) / SAMPLING_RATE
    hertz = np.linspace(1, 12, len(CHANNELS))[:, np.newaxis]
    amplitude = np.linspace(20, 80, len(CHANNELS))[:, np.newaxis]
    slow = 1 + 0.5 * np.sin(2 * np.pi * time / 17)
    data = amplitude * slow * np.sin(2 * np.pi * hertz * time + 3 * np.sin(time))
    return Recording(data.astype(np.float32), CHANNELS)


def central_picture(
    recording: Recording, image: ImageParams, spectrogram: SpectrogramParams
) -> np.ndarray:
    """Make the picture of the middle of a recording that has no spectrogram file.

    Args:
        recording: EEG of 10 minutes or more.
        image: the picture's parameters.
        spectrogram: how the EEG is cleaned and its spectrograms made.

    Returns:
        Shape ``image.layout.size``, float16.
    """
    start = (recording.duration - WINDOW_SECONDS) / 2
    eeg = chain_spectrograms(recording.crop(start, WINDOW_SECONDS), **spectrogram.settings)
    regional = regional_window_from_eeg(recording, recording.duration / 2)
    return build_image(regional, eeg, image.layout)


def reference_picture(image: ImageParams, spectrogram: SpectrogramParams) -> list[list[float]]:
    """Make the reference window's picture and average it over a coarse grid.

    Args:
        image: the picture's parameters.
        spectrogram: how the EEG is cleaned and its spectrograms made.

    Returns:
        Means of 4 rows (the chains) by 8 columns.
    """
    picture = central_picture(_reference_recording(), image, spectrogram).astype(float)
    height, width = picture.shape
    columns = np.array_split(np.arange(width), _COLUMNS)
    rows = picture.reshape(len(CHAINS), height // len(CHAINS), width).mean(axis=1)
    return [[round(float(row[part].mean()), 4) for part in columns] for row in rows]


def check_reference_picture(ensemble: dict[str, Any], spectrogram: SpectrogramParams) -> None:
    """Refuse to feed networks with pictures that are not made as theirs were.

    Args:
        ensemble: the record that ``modeling`` left beside the networks.
        spectrogram: how the EEG spectrograms are made now.

    Raises:
        ValueError: if a parameter differs, or the reference window looks otherwise.
    """
    trained_on = ensemble["spectrogram"]
    made = spectrogram.model_dump(mode="json", include=set(trained_on))
    if made != trained_on:
        raise ValueError(
            f"the networks were trained on EEG spectrograms with {trained_on}, these were made "
            f"with {made}: set the parameter spectrogram to the former"
        )
    now = np.array(reference_picture(ImageParams(**ensemble["image"]), spectrogram))
    away = float(np.abs(now - ensemble["reference_picture"]).max())
    if away > _TOLERANCE:
        raise ValueError(
            f"a reference window's picture differs by {away:.3g} from the one that it gave when "
            "the networks were trained: the code or a library that makes pictures has changed "
            "since; train again, or go back to that version"
        )
