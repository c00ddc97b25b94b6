"""Windows and recordings to what networks see: pictures, waveforms, and band power."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac.eeg.band_power import band_powers
from hbac.eeg.montage import CHAIN_ELECTRODES
from hbac.eeg.recording import Recording
from hbac.eeg.regional import (
    WINDOW_ROWS,
    covers_regional_window,
    regional_window,
    regional_window_from_eeg,
)
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.waveform import bipolar_waveforms
from hbac.eeg.windows import NO_SPECTROGRAM, window_start
from hbac.models.image import ImageLayout, build_image
from hbac.models.missing import fill_missing
from hbac.pipelines.modeling.params import ImageParams, ModelingParams
from hbac.pipelines.spectrogram.params import SpectrogramParams

logger = logging.getLogger(__name__)

LoadArray = Callable[[], np.ndarray]
LoadRecording = Callable[[], Recording]

_N_NAMED = 5


def _centre(offset: float, duration: float) -> float:
    """The moment that a window's label speaks of, in seconds of its EEG."""
    return window_start(offset, duration, WINDOW_SECONDS) + WINDOW_SECONDS / 2


def _spectrogram_source(
    window: Any, eegs: dict[str, LoadRecording], spectrograms: dict[str, LoadArray]
) -> str:
    if str(window.spectrogram_id) in spectrograms:
        return "file"
    duration = eegs[str(window.eeg_id)]().duration
    centre = _centre(window.eeg_offset_seconds, duration)
    return "computed" if covers_regional_window(duration, centre) else "empty"


def _count(what: str, lost: pd.Series, windows: pd.DataFrame, column: str) -> None:
    """Log how many windows share a fate, and which files they belong to."""
    if lost.any():
        names = windows.loc[lost, column].unique()
        more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
        named = ", ".join(map(str, names[:_N_NAMED])) + more
        logger.warning("%d of %d windows %s: %s", lost.sum(), len(windows), what, named)


def locate_spectrograms(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    failures: pd.DataFrame,
) -> pd.DataFrame:
    """Say for each window where its regional spectrogram comes from.

    Args:
        windows: a row a window; see ``hbac.eeg.windows.select_windows``.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, 4)``.
        failures: spectrogram files that could not be read, with a column ``partition``.

    Returns:
        The windows whose EEG could be read, with ``spectrogram_source``: ``file``, ``computed``
        (from an EEG that holds the 10 minutes) or ``empty``. Row ``i`` becomes row ``i`` of the
        model's input.
    """
    unread = ~windows["eeg_id"].astype(str).isin(eeg_spectrograms)
    _count("are lost with EEGs that could not be read", unread, windows, "eeg_id")
    located = windows[~unread].reset_index(drop=True)
    set_aside = located["spectrogram_id"].astype(str).isin(failures["partition"].astype(str))
    what = "lose a spectrogram file that could not be read"
    _count(what, set_aside, located, "spectrogram_id")
    sources = [_spectrogram_source(row, eegs, spectrograms) for row in located.itertuples()]
    located["spectrogram_source"] = pd.Series(sources, dtype=str)
    for source, meaning in (
        ("computed", "get one computed from their EEG"),
        ("empty", "have too little EEG to compute one and get an empty panel"),
    ):
        what = f"without a spectrogram file {meaning}; EEGs"
        _count(what, located["spectrogram_source"] == source, located, "eeg_id")
    return located


def _check_spectrogram_ids(
    windows: pd.DataFrame, spectrograms: dict[str, LoadArray], failures: pd.DataFrame
) -> None:
    """Refuse a spectrogram_id that has neither a file nor a failure."""
    explained = {*spectrograms, *failures["partition"].astype(str), str(NO_SPECTROGRAM)}
    ids = windows["spectrogram_id"].astype(str)
    missing = ids[~ids.isin(explained)].unique()
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {ids.nunique()} spectrogram_ids in the label table have no file, "
            f"such as {', '.join(f'{name}.parquet' for name in missing[:_N_NAMED])}; "
            f"spectrogram_id {NO_SPECTROGRAM} says that a recording has none"
        )


def locate_training_spectrograms(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    failures: pd.DataFrame,
) -> pd.DataFrame:
    """Say for each training window where its regional spectrogram comes from.

    Args:
        windows: as of ``locate_spectrograms``, and so for all others.
        eegs: see there.
        spectrograms: see there.
        eeg_spectrograms: see there.
        failures: see there.

    Returns:
        As ``locate_spectrograms``.

    Raises:
        ValueError: if a window names a spectrogram that has no file at all.
    """
    _check_spectrogram_ids(windows, spectrograms, failures)
    return locate_spectrograms(windows, eegs, spectrograms, eeg_spectrograms, failures)


def _window_image(
    load_eeg_spectrograms: LoadArray,
    window: int,
    load_power: Callable[[], np.ndarray] | None,
    layout: ImageLayout,
) -> np.ndarray:
    """Picture of one window, shape ``layout.size``, float16."""
    empty = np.full((WINDOW_ROWS, 400), np.nan, np.float32)
    power = empty if load_power is None else load_power()
    return build_image(power, np.asarray(load_eeg_spectrograms()[window], np.float32), layout)


def _power_from_file(load: LoadArray, offset: float) -> np.ndarray:
    return regional_window(load(), offset)


def _power_from_eeg(load: LoadRecording, offset: float) -> np.ndarray:
    recording = load()
    return regional_window_from_eeg(recording, _centre(offset, recording.duration))


def _power_loader(
    window: Any, eegs: dict[str, LoadRecording], spectrograms: dict[str, LoadArray]
) -> LoadArray | None:
    """Callable that returns the power of a window's 10 minutes, or None where there is none."""
    if window.spectrogram_source == "file":
        load = spectrograms[str(window.spectrogram_id)]
        return partial(_power_from_file, load, window.spectrogram_offset_seconds)
    if window.spectrogram_source == "computed":
        return partial(_power_from_eeg, eegs[str(window.eeg_id)], window.eeg_offset_seconds)
    return None


def assemble_images(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    image: ImageParams,
) -> dict[int, LoadArray]:
    """Lay out the picture of every window; see ``assemble_model_input``."""
    layout = image.layout
    return {
        window.Index: partial(
            _window_image,
            eeg_spectrograms[str(window.eeg_id)],
            window.window,
            _power_loader(window, eegs, spectrograms) if "regional" in layout.sources else None,
            layout,
        )
        for window in windows.itertuples()
    }


def assemble_model_input(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    params: ModelingParams,
) -> dict[int, LoadArray]:
    """Lay out the picture of every window, where a network is trained on it.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, panels)``.
        params: of which the image.

    Returns:
        By row of ``windows``, a callable that returns the picture, shape ``size``, float16; empty
        where no architecture sees pictures.
    """
    if "picture" not in params.network.inputs:
        return {}
    return assemble_images(windows, eegs, spectrograms, eeg_spectrograms, params.image)


def _recording_window(load: Callable[..., Recording], offset: float) -> Recording:
    recording = load(channels=CHAIN_ELECTRODES)
    return recording.crop(window_start(offset, recording.duration, WINDOW_SECONDS), WINDOW_SECONDS)


def _window_waveforms(
    load: Callable[..., Recording], offset: float, cleaning: dict[str, Any]
) -> np.ndarray:
    """Bipolar EEG of one window, float16."""
    waveforms = bipolar_waveforms(_recording_window(load, offset), **cleaning)
    return fill_missing(waveforms).astype(np.float16)


def assemble_waveforms(
    windows: pd.DataFrame, eegs: dict[str, LoadRecording], spectrogram: SpectrogramParams
) -> dict[int, LoadArray]:
    """Lay out the bipolar EEG of every window.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrogram: of which the cleaning.

    Returns:
        By row of ``windows``, a callable that returns shape ``(channels, samples)``, float16.
    """
    cleaning = spectrogram.model_dump(include={"clip", "notch", "band_pass"})
    return {
        window.Index: partial(
            _window_waveforms, eegs[str(window.eeg_id)], window.eeg_offset_seconds, cleaning
        )
        for window in windows.itertuples()
    }


def assemble_waveform_input(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    params: ModelingParams,
    spectrogram: SpectrogramParams,
) -> dict[int, LoadArray]:
    """Lay out the bipolar EEG of every window, where a network is trained on it.

    Returns:
        As ``assemble_waveforms``; empty where no architecture sees waveforms.
    """
    if "waveform" not in params.network.inputs:
        return {}
    return assemble_waveforms(windows, eegs, spectrogram)


def _window_band_powers(load: Callable[..., Recording], offset: float) -> np.ndarray:
    return band_powers(_recording_window(load, offset)).astype(np.float32)


def measure_band_power(
    windows: pd.DataFrame, eegs: dict[str, LoadRecording]
) -> dict[int, LoadArray]:
    """Measure what the simplest baseline sees: the power of each chain in the classical bands.

    Returns:
        By row of ``windows``, a callable that returns ``hbac.eeg.band_power.band_powers``.
    """
    return {
        window.Index: partial(
            _window_band_powers, eegs[str(window.eeg_id)], window.eeg_offset_seconds
        )
        for window in windows.itertuples()
    }
