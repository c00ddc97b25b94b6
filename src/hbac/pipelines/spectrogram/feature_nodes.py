"""What is made of each EEG for networks, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from hbac.datasets.together import Together
from hbac.eeg.recording import Recording
from hbac.models.preprocessing import kinds_seen, record_of, waveforms_of
from hbac.pipelines.modeling.params import SeenParams
from hbac.pipelines.spectrogram.nodes import (
    compute_eeg_spectrograms,
    compute_regional_windows,
    cut_waveforms,
    in_one_pass,
    measure_band_powers,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams


def cut_waveforms_seen(
    eegs: dict[str, Callable[..., Recording]], windows: pd.DataFrame, ensemble: Mapping[str, Any]
) -> dict[str, Callable[[], np.ndarray]]:
    """Lay out the bipolar EEG that networks see, as the record beside them says.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.
        ensemble: the record.

    Returns:
        As ``cut_waveforms``; empty where none of the networks sees waveforms.
    """
    if "waveform" not in kinds_seen(ensemble):
        return {}
    return cut_waveforms(eegs, windows, *waveforms_of(record_of(ensemble, "waveform")))


def compute_eeg_features(
    eegs: dict[str, Callable[..., Recording]],
    windows: pd.DataFrame,
    spectrograms: dict[str, Any],
    params: SpectrogramParams,
    seen: SeenParams,
    shipped: Mapping[str, Any] | None = None,
) -> dict[str, Together]:
    """Make all that training will want of each EEG, so that its file is read once.

    Args:
        eegs: as of ``compute_eeg_spectrograms``.
        windows: see there.
        spectrograms: the spectrogram files that there are, by id.
        params: as of ``compute_eeg_spectrograms``.
        seen: what networks will see.
        shipped: the record of the package's networks, where these are to predict, too.

    Returns:
        By ``eeg_id``, a callable that returns its spectrograms, and beside it that of
        ``measure_band_powers`` and, where a network sees such, those of ``cut_waveforms``,
        ``compute_regional_windows`` and, for the package's, ``cut_waveforms_seen``.

    Raises:
        ValueError: if no EEG has a file.
    """
    beside = {"eeg_band_power": measure_band_powers(eegs, windows)}
    if "picture" in seen.inputs and "regional" in seen.image.sources:
        beside["eeg_regional"] = compute_regional_windows(eegs, windows, spectrograms)
    if "waveform" in seen.inputs:
        layout = seen.waveform.layout
        beside["eeg_waveforms"] = cut_waveforms(eegs, windows, params.cleaning, layout)
    if shipped:
        beside["shipped.eeg_waveforms"] = cut_waveforms_seen(eegs, windows, shipped)
    return in_one_pass(compute_eeg_spectrograms(eegs, windows, params), **beside)
