"""Windows and spectrograms to trained networks and out-of-fold predictions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.model_selection import StratifiedGroupKFold

from hbac import models, tracking
from hbac.eeg.recording import Recording
from hbac.eeg.regional import (
    WINDOW_ROWS,
    covers_regional_window,
    regional_window,
    regional_window_from_eeg,
)
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM, window_start
from hbac.models.image import ImageLayout, build_image
from hbac.pipelines.modeling.params import ImageParams, ModelingParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.plots import scores

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
    """Lay out the picture of every window.

    Args:
        windows: as ``locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, 4)``.
        params: of which the image.

    Returns:
        By row of ``windows``, a callable that returns the picture, shape ``size``, float16.
    """
    return assemble_images(windows, eegs, spectrograms, eeg_spectrograms, params.image)


def split_folds(windows: pd.DataFrame, params: ModelingParams) -> list[pd.DataFrame]:
    """Divide the windows into folds, with all windows of a patient in one of them.

    Args:
        windows: rows of the model's input, with votes.
        params: of which the number of folds and the seed.

    Returns:
        A table a fold: the windows with ``fold`` (the fold that holds them out), ``row`` (their
        row in the model's input) and ``held_out`` (whether it is this fold that does).

    Raises:
        ValueError: if there are fewer patients than folds.
    """
    patients = windows["patient_id"].nunique()
    if patients < params.n_folds:
        raise ValueError(f"{params.n_folds} folds need as many patients, there are {patients}")
    splitter = StratifiedGroupKFold(params.n_folds, shuffle=True, random_state=params.training.seed)
    consensus = windows[list(VOTE_COLUMNS)].to_numpy().argmax(axis=1)
    fold = np.empty(len(windows), int)
    for number, (_, held_out) in enumerate(
        splitter.split(windows, consensus, windows["patient_id"])
    ):
        fold[held_out] = number
    table = windows.assign(fold=fold, row=np.arange(len(windows)))
    return [table.assign(held_out=table["fold"] == number) for number in range(params.n_folds)]


def train_fold(
    model_input: np.ndarray, split: pd.DataFrame, params: ModelingParams
) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Train a network on all windows but those held out, and predict these.

    Args:
        model_input: pictures, shape ``(windows, height, width)``, float16.
        split: one fold of ``split_folds``.
        params: of which network and training.

    Returns:
        The network at its best epoch, its history (a row an epoch), and the held-out windows with
        six columns ``seizure_pred`` ... ``other_pred``.
    """
    held_out = split[split["held_out"]]
    model = models.compiled_model(
        **params.network.model_dump(), image_size=params.image.layout.size
    )
    models.reset(model, params.training.seed)
    history = models.fit(
        model,
        model_input,
        split[list(VOTE_COLUMNS)].to_numpy(np.float32),
        train_rows=split.loc[~split["held_out"], "row"].to_numpy(),
        validation_rows=held_out["row"].to_numpy(),
        learning_rates=params.training.learning_rates,
        batch_size=params.training.batch_size,
        seed=params.training.seed,
        callbacks=[tracking.EpochMetrics()],
    )
    predictions = models.predict(
        model, model_input, held_out["row"].to_numpy(), batch_size=params.training.batch_size
    )
    return model, history, table_of_predictions(held_out, predictions)


def table_of_predictions(windows: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Ids, votes and predictions of windows, one row each."""
    columns = ["eeg_id", "window", "patient_id", "fold", "n_votes", "spectrogram_source"]
    table = windows[[*columns, *VOTE_COLUMNS]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=list(PREDICTION_COLUMNS)))


def collect_oof_predictions(*predictions: pd.DataFrame) -> pd.DataFrame:
    """Join the held-out predictions of all folds into one table, ordered by EEG and window."""
    return pd.concat(predictions).sort_values(["eeg_id", "window"], ignore_index=True)


def collect_history(*histories: pd.DataFrame) -> pd.DataFrame:
    """Join the folds' histories into one table, with the column ``fold``."""
    return pd.concat(
        [history.assign(fold=fold) for fold, history in enumerate(histories)], ignore_index=True
    )


def plot_training_curves(history: pd.DataFrame) -> Figure:
    """Draw loss and validation loss of each fold by epoch."""
    return scores.training_curves(history)


def describe_ensemble(
    params: ModelingParams, spectrogram: SpectrogramParams, *histories: pd.DataFrame
) -> dict[str, Any]:
    """Record what inference must know to feed the trained networks as they were fed here.

    Args:
        params: of which the image.
        spectrogram: how the EEG spectrograms were made.
        histories: one a network.

    Returns:
        The networks' names and best validation losses, the classes' order, and the parameters of
        image and spectrogram.
    """
    losses = [float(history["val_loss"].min()) for history in histories]
    return {
        "models": [f"fold_{fold}" for fold in range(len(histories))],
        "val_loss": losses,
        "classes": list(CLASSES),
        "image": params.image.model_dump(mode="json"),
        "spectrogram": spectrogram.model_dump(mode="json", include={"wavelet"}),
    }
