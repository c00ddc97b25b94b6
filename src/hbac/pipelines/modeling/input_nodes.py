"""Windows and recordings to what networks see: pictures, waveforms, and band power."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac.datasets.npy import Rows
from hbac.eeg.band_power import band_powers
from hbac.eeg.montage import CHAIN_ELECTRODES
from hbac.eeg.recording import Recording
from hbac.eeg.regional import (
    ROW_SECONDS,
    covers_regional_window,
    holds_regional_window,
    regional_window,
    regional_window_from_eeg,
)
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.windows import NO_SPECTROGRAM, window_start
from hbac.models.image import ImageLayout
from hbac.models.preprocessing import (
    picture_layout,
    window_panels,
    window_picture,
    window_waveforms,
)
from hbac.models.waveform import WaveformLayout
from hbac.pipelines.modeling.params import ImageParams, ModelingParams
from hbac.pipelines.spectrogram.nodes import (
    compute_regional_windows,
    cut_waveforms,
    duration_of,
    measure_band_powers,
    window_centre,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams

logger = logging.getLogger(__name__)

LoadArray = Callable[[], np.ndarray]
LoadRecording = Callable[[], Recording]

_N_NAMED = 5


def _n_rows(load: LoadArray) -> int:
    return load.length() if hasattr(load, "length") else len(load())


def _spectrogram_sources(
    windows: pd.DataFrame, eegs: dict[str, LoadRecording], spectrograms: dict[str, LoadArray]
) -> pd.Series:
    """Where each window's 10 minutes come from; a file is asked for its length once."""
    sources = pd.Series("file", windows.index, dtype=str)
    others = windows[~windows["spectrogram_id"].astype(str).isin(spectrograms)]
    for eeg_id, rows in others.groupby("eeg_id"):
        duration = duration_of(eegs[str(eeg_id)])
        for row, offset in rows["eeg_offset_seconds"].items():
            covered = covers_regional_window(duration, window_centre(offset, duration))
            sources[row] = "computed" if covered else "empty"
    return sources


def _outside_spectrogram(windows: pd.DataFrame, spectrograms: dict[str, LoadArray]) -> pd.Series:
    """Why a window's 10 minutes are not in its spectrogram file, for those of which it is true."""
    reasons = {}
    # Every file holds 10 minutes: a window at its start or in its middle needs no look at it.
    placed = windows[windows["spectrogram_offset_seconds"] != 0].dropna(
        subset="spectrogram_offset_seconds"
    )
    for spectrogram_id, rows in placed.groupby("spectrogram_id"):
        if str(spectrogram_id) not in spectrograms:
            continue
        n_rows = _n_rows(spectrograms[str(spectrogram_id)])
        for row, offset in rows["spectrogram_offset_seconds"].items():
            if not holds_regional_window(n_rows, offset):
                reasons[row] = (
                    f"spectrogram {spectrogram_id} holds {ROW_SECONDS * n_rows} s, not 10 minutes "
                    f"from second {offset:g}"
                )
    return pd.Series(reasons, dtype=str).sort_index()


def _set_aside(windows: pd.DataFrame, reasons: pd.Series, remedy: str) -> pd.DataFrame:
    """Table windows that can't be used, and log the first ones' reasons."""
    if len(reasons):
        first = "; ".join(reasons[:_N_NAMED])
        more = f" and {len(reasons) - _N_NAMED} more" if len(reasons) > _N_NAMED else ""
        logger.warning(
            "%d of %d windows are set aside: %s%s. %s",
            *(len(reasons), len(windows), first, more, remedy),
        )
    return windows.loc[reasons.index, ["eeg_id", "window"]].assign(reason=reasons)


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
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        model's input. And those whose 10 minutes are not in their spectrogram file, with
        ``eeg_id``, ``window`` and ``reason``.
    """
    unread = ~windows["eeg_id"].astype(str).isin(eeg_spectrograms.keys() & eegs.keys())
    _count("are lost with EEGs that could not be read", unread, windows, "eeg_id")
    outside = _outside_spectrogram(windows[~unread], spectrograms)
    remedy = "Correct spectrogram_label_offset_seconds in the label table, or the files"
    lost = _set_aside(windows, outside, remedy)
    located = windows[~unread].drop(index=outside.index).reset_index(drop=True)
    set_aside = located["spectrogram_id"].astype(str).isin(failures["partition"].astype(str))
    what = "lose a spectrogram file that is missing or could not be read"
    _count(what, set_aside, located, "spectrogram_id")
    located["spectrogram_source"] = _spectrogram_sources(located, eegs, spectrograms)
    for source, meaning in (
        ("computed", "get one computed from their EEG"),
        ("empty", "have too little EEG to compute one and get an empty panel"),
    ):
        what = f"without a spectrogram file {meaning}; EEGs"
        _count(what, located["spectrogram_source"] == source, located, "eeg_id")
    return located, lost


def _check_spectrogram_ids(
    windows: pd.DataFrame, spectrograms: dict[str, LoadArray], failures: pd.DataFrame
) -> None:
    """Refuse spectrogram_ids of which none has a file, nor a failure that explains it."""
    explained = {*spectrograms, *failures["partition"].astype(str)}
    named = windows.loc[windows["spectrogram_id"] != NO_SPECTROGRAM, "spectrogram_id"]
    ids = named.astype(str).unique()
    if len(ids) and explained.isdisjoint(ids):
        raise ValueError(
            f"none of the {len(ids)} spectrogram_ids in the label table has a file, such as "
            f"{', '.join(f'{name}.parquet' for name in ids[:_N_NAMED])}; "
            f"spectrogram_id {NO_SPECTROGRAM} says that a recording has none"
        )


def locate_training_spectrograms(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    failures: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        ValueError: if no window's spectrogram has a file and none is known to be broken, or no
            window is left.
    """
    _check_spectrogram_ids(windows, spectrograms, failures)
    located, lost = locate_spectrograms(windows, eegs, spectrograms, eeg_spectrograms, failures)
    if located.empty:
        reason = lost["reason"].iloc[0] if len(lost) else "no EEG could be read"
        raise ValueError(f"none of {len(windows)} windows can be trained on, as {reason}")
    return located, lost


def _window_picture(
    load_eeg_spectrograms: LoadArray,
    window: int,
    load_power: LoadArray | None,
    layout: ImageLayout,
) -> np.ndarray:
    """Picture of one window, shape ``layout.size``, float16."""
    power = load_power and load_power()
    return window_picture(power, load_eeg_spectrograms()[window], layout)


def _take_window(load: LoadArray, window: int) -> np.ndarray:
    return load()[window]


def stored_as(
    stored: Mapping[str, Any], tasks: Mapping[str, Callable[[], np.ndarray]]
) -> dict[str, LoadArray]:
    """Of what is stored of EEGs, take what is just what tasks would make of them now.

    Args:
        stored: by ``eeg_id``, a ``hbac.datasets.folder.PartitionLoader``.
        tasks: by ``eeg_id``, what would make it.
    """
    return {
        eeg_id: stored[eeg_id]
        for eeg_id, task in tasks.items()
        if eeg_id in stored and stored[eeg_id].was_made_by(task)
    }


def _power_from_file(load: LoadArray, offset: float) -> np.ndarray:
    return regional_window(load(), offset)


def _power_from_eeg(load: Callable[..., Recording], offset: float) -> np.ndarray:
    recording = load(channels=CHAIN_ELECTRODES)
    return regional_window_from_eeg(recording, window_centre(offset, recording.duration))


def _power_loader(
    window: Any,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    stored: Mapping[str, LoadArray] | None = None,
) -> LoadArray | None:
    """Callable that returns the power of a window's 10 minutes, or None where there is none."""
    if window.spectrogram_source == "file":
        load = spectrograms[str(window.spectrogram_id)]
        return partial(_power_from_file, load, window.spectrogram_offset_seconds)
    if window.spectrogram_source == "computed":
        if stored and str(window.eeg_id) in stored:
            return partial(_take_window, stored[str(window.eeg_id)], window.window)
        return partial(_power_from_eeg, eegs[str(window.eeg_id)], window.eeg_offset_seconds)
    return None


def assemble_images(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    image: ImageParams,
    stored: Mapping[str, LoadArray] | None = None,
) -> dict[int, LoadArray]:
    """Lay out the picture of every window; see ``assemble_model_input``."""
    layout = image.layout
    return {
        window.Index: partial(
            _window_picture,
            eeg_spectrograms[str(window.eeg_id)],
            window.window,
            _power_loader(window, eegs, spectrograms, stored)
            if "regional" in layout.sources
            else None,
            layout,
        )
        for window in windows.itertuples()
    }


def _image_of_eeg(
    load: LoadRecording,
    offset: float,
    load_power: LoadArray | None,
    settings: Mapping[str, Any],
    layout: ImageLayout,
) -> np.ndarray:
    """Picture of one window, whose EEG spectrograms are made on the way."""
    panels = window_panels(_recording_window(load, offset), settings)
    return window_picture(None if load_power is None else load_power(), panels, layout)


def assemble_images_of_eegs(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    record: Mapping[str, Any],
) -> dict[int, LoadArray]:
    """Lay out the picture of every window where no EEG spectrograms are stored for it.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        record: of the networks that see the pictures, of which ``image`` and ``spectrogram``.

    Returns:
        By row of ``windows``, a callable that returns the picture, float16.
    """
    layout = picture_layout(record)
    return {
        window.Index: partial(
            _image_of_eeg,
            eegs[str(window.eeg_id)],
            window.eeg_offset_seconds,
            _power_loader(window, eegs, spectrograms) if "regional" in layout.sources else None,
            record["spectrogram"],
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
    stored: Mapping[str, LoadArray] | None = None,
) -> dict[int, LoadArray]:
    """Lay out the picture of every window, where a network is trained on it.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, panels)``.
        params: of which the image.
        stored: by ``eeg_id``, a callable that reads the 10 minutes of all its windows, where they
            were computed and are there.

    Returns:
        By row of ``windows``, a callable that returns the picture, shape ``size``, float16; empty
        where no architecture sees pictures.
    """
    if "picture" not in params.network.inputs:
        return {}
    return assemble_images(windows, eegs, spectrograms, eeg_spectrograms, params.image, stored)


def _recording_window(load: Callable[..., Recording], offset: float) -> Recording:
    recording = load(channels=CHAIN_ELECTRODES)
    return recording.crop(window_start(offset, recording.duration, WINDOW_SECONDS), WINDOW_SECONDS)


def _window_waveforms(
    load: Callable[..., Recording],
    offset: float,
    cleaning: Mapping[str, Any],
    layout: WaveformLayout,
) -> np.ndarray:
    """Bipolar EEG of the middle of one window, float16."""
    return window_waveforms(_recording_window(load, offset), cleaning, layout)


def assemble_waveforms(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    cleaning: Mapping[str, Any],
    layout: WaveformLayout,
    stored: Mapping[str, LoadArray] | None = None,
) -> dict[int, LoadArray]:
    """Lay out the bipolar EEG of every window.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        cleaning: ``clip``, ``notch`` and ``band_pass``; see ``hbac.eeg.bipolar_waveforms``.
        layout: how much of it is seen, and at which rate.
        stored: by ``eeg_id``, a callable that reads those of all its windows, where they are there.

    Returns:
        By row of ``windows``, a callable that returns shape ``(channels, samples)``, float16.
    """
    stored = stored or {}
    return {
        window.Index: partial(_take_window, stored[str(window.eeg_id)], window.window)
        if str(window.eeg_id) in stored
        else partial(
            _window_waveforms,
            eegs[str(window.eeg_id)],
            window.eeg_offset_seconds,
            cleaning,
            layout,
        )
        for window in windows.itertuples()
    }


def assemble_waveform_input(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    params: ModelingParams,
    spectrogram: SpectrogramParams,
    stored: Mapping[str, LoadArray] | None = None,
) -> dict[int, LoadArray]:
    """Lay out the bipolar EEG of every window, where a network is trained on it.

    Returns:
        As ``assemble_waveforms``; empty where no architecture sees waveforms.
    """
    if "waveform" not in params.network.inputs:
        return {}
    return assemble_waveforms(windows, eegs, spectrogram.cleaning, params.waveform.layout, stored)


def _window_band_powers(load: Callable[..., Recording], offset: float) -> np.ndarray:
    return band_powers(_recording_window(load, offset)).astype(np.float32)


def measure_band_power(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    stored: Mapping[str, LoadArray] | None = None,
) -> dict[int, LoadArray]:
    """Measure what the simplest baseline sees: the power of each chain in the classical bands.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        stored: by ``eeg_id``, a callable that reads that of all its windows, where it is there.

    Returns:
        By row of ``windows``, a callable that returns ``hbac.eeg.band_power.band_powers``.
    """
    stored = stored or {}
    return {
        window.Index: partial(_take_window, stored[str(window.eeg_id)], window.window)
        if str(window.eeg_id) in stored
        else partial(_window_band_powers, eegs[str(window.eeg_id)], window.eeg_offset_seconds)
        for window in windows.itertuples()
    }


def assemble_inputs(
    windows: pd.DataFrame,
    eegs: dict[str, LoadRecording],
    spectrograms: dict[str, LoadArray],
    eeg_spectrograms: dict[str, LoadArray],
    all_windows: pd.DataFrame,
    eeg_waveforms: dict[str, LoadArray],
    eeg_band_power: dict[str, LoadArray],
    eeg_regional: dict[str, LoadArray],
    params: ModelingParams,
    spectrogram: SpectrogramParams,
) -> dict[str, dict[int, LoadArray]]:
    """Lay out all that networks and baselines see of every window.

    An EEG is read anew only where what is stored of it was made in another way.

    Args:
        windows: as of ``assemble_model_input``, and so for the next three.
        eegs: see there.
        spectrograms: see there.
        eeg_spectrograms: see there.
        all_windows: those of which the EEGs' waveforms and band power were made.
        eeg_waveforms: what is stored by ``cut_waveforms``, by ``eeg_id``.
        eeg_band_power: what is stored by ``measure_band_powers``, by ``eeg_id``.
        eeg_regional: what is stored by ``compute_regional_windows``, by ``eeg_id``.
        params: of which the networks, the image and the waveform.
        spectrogram: of which the cleaning of waveforms.

    Returns:
        By ``model_input``, ``waveform_input`` and ``band_power``, and row of ``windows``, a
        callable that returns it; see ``assemble_model_input``, ``assemble_waveform_input`` and
        ``measure_band_power``.
    """
    waveforms = cut_waveforms(eegs, all_windows, spectrogram.cleaning, params.waveform.layout)
    powers = measure_band_powers(eegs, all_windows)
    return {
        "model_input": assemble_model_input(
            windows,
            eegs,
            spectrograms,
            eeg_spectrograms,
            params,
            stored_as(eeg_regional, compute_regional_windows(eegs, all_windows, spectrograms)),
        ),
        "waveform_input": assemble_waveform_input(
            windows, eegs, params, spectrogram, stored_as(eeg_waveforms, waveforms)
        ),
        "band_power": measure_band_power(windows, eegs, stored_as(eeg_band_power, powers)),
    }


def set_windows_aside(
    located: pd.DataFrame,
    misplaced: pd.DataFrame,
    inputs: Mapping[str, np.ndarray],
    failures: pd.DataFrame,
) -> tuple[Any, ...]:
    """Keep the windows of which all that networks see could be made.

    Args:
        located: the windows that were to be laid out; see ``locate_spectrograms``.
        misplaced: those that were set aside before; see there.
        inputs: by name, an array with a row for each of ``located``, or without any row.
        failures: rows of ``located`` (column ``partition``) that could not be made, and the
            ``reason``.

    Returns:
        The windows that are kept; all that were set aside, with ``eeg_id``, ``window`` and
        ``reason``; and the arrays, in their order, with a row for each window that is kept.
    """
    reasons = failures.astype({"partition": int}).set_index("partition")["reason"]
    lost = _set_aside(located, reasons, "The next run tries them again")
    kept = np.delete(np.arange(len(located)), reasons.index)
    arrays = (
        array if len(kept) == len(located) or not len(array) else Rows(array, kept)
        for array in inputs.values()
    )
    windows = located.iloc[kept].reset_index(drop=True)
    return windows, pd.concat([misplaced, lost], ignore_index=True), *arrays
