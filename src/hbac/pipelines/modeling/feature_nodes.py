"""What is made of each EEG for training, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from hbac.datasets.together import Together
from hbac.eeg.recording import Recording
from hbac.pipelines.modeling.params import SeenParams
from hbac.pipelines.spectrogram.nodes import (
    compute_eeg_spectrograms,
    compute_regional_windows,
    cut_waveforms,
    in_one_pass,
    measure_band_powers,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams


def compute_eeg_features(
    eegs: dict[str, Callable[..., Recording]],
    windows: pd.DataFrame,
    spectrograms: dict[str, Any],
    params: SpectrogramParams,
    seen: SeenParams,
) -> dict[str, Together]:
    """Make all that training will want of each EEG, so that its file is read once.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.
        spectrograms: the spectrogram files that there are, by id.
        params: as of ``compute_eeg_spectrograms``.
        seen: what networks will see.

    Returns:
        By ``eeg_id``, a callable that returns its spectrograms, and beside it that of
        ``measure_band_powers`` and, where a network sees such, those of ``cut_waveforms`` and
        ``compute_regional_windows``.

    Raises:
        ValueError: if no EEG has a file.
    """
    beside = {"eeg_band_power": measure_band_powers(eegs, windows)}
    if "picture" in seen.inputs and "regional" in seen.image.sources:
        beside["eeg_regional"] = compute_regional_windows(eegs, windows, spectrograms)
    if "waveform" in seen.inputs:
        layout = seen.waveform.layout
        beside["eeg_waveforms"] = cut_waveforms(eegs, windows, params.cleaning, layout)
    return in_one_pass(compute_eeg_spectrograms(eegs, windows, params), **beside)
