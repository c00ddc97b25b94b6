"""The trained ensemble on recordings that it has not seen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from hbac import models
from hbac.eeg.recording import Recording
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.inference.params import InferenceParams
from hbac.pipelines.modeling.nodes import assemble_images, table_of_predictions
from hbac.pipelines.modeling.params import ImageParams
from hbac.pipelines.spectrogram.params import SpectrogramParams

logger = logging.getLogger(__name__)

UNSEEN = -1
"""The ``fold`` of a window that no network was trained on."""


def assemble_inference_input(
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
    eeg_spectrograms: dict[str, Callable[[], np.ndarray]],
    ensemble: dict[str, Any],
    spectrogram: SpectrogramParams,
) -> dict[int, Callable[[], np.ndarray]]:
    """Lay out the picture of every window as the networks were trained on it.

    Args:
        windows: as ``hbac.pipelines.modeling.nodes.locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, 4)``.
        ensemble: the record that ``modeling`` left beside the networks.
        spectrogram: how these EEG spectrograms were made.

    Returns:
        By row of ``windows``, a callable that returns the picture.

    Raises:
        ValueError: if the EEG spectrograms were made in another way than the networks' own.
    """
    trained_on = ensemble["spectrogram"]
    made = spectrogram.model_dump(mode="json", include=set(trained_on))
    if made != trained_on:
        raise ValueError(
            f"the networks were trained on EEG spectrograms with {trained_on}, these were made "
            f"with {made}: set the parameter spectrogram to the former"
        )
    image = ImageParams(**ensemble["image"])
    return assemble_images(windows, eegs, spectrograms, eeg_spectrograms, image)


def predict_with_ensemble(
    model_input: np.ndarray,
    windows: pd.DataFrame,
    networks: dict[str, Callable[[], Any]],
    ensemble: dict[str, Any],
    params: InferenceParams,
) -> pd.DataFrame:
    """Average the predictions of the networks of all folds.

    Args:
        model_input: pictures, shape ``(windows, height, width)``.
        windows: their windows, in the same order.
        networks: by name, a callable that loads the network.
        ensemble: the record that names those to use.
        params: of which the batch size.

    Returns:
        The windows' ids and votes (NaN where unknown), ``fold`` -1, ``spectrogram_source``, and
        six columns ``seizure_pred`` ... ``other_pred``.

    Raises:
        ValueError: if a network of the ensemble is missing.
    """
    missing = [name for name in ensemble["models"] if name not in networks]
    if missing:
        raise ValueError(f"the ensemble names {missing}, its folder holds {sorted(networks)}")
    predictions = [
        models.predict(networks[name](), model_input, batch_size=params.batch_size)
        for name in ensemble["models"]
    ]
    return table_of_predictions(windows.assign(fold=UNSEEN), np.mean(predictions, axis=0))


def write_submission(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Lay the predictions out as the competition's ``submission.csv``.

    Args:
        predictions: as ``predict_with_ensemble`` returns them.
        labels: ``test.csv``, whose order of EEGs is kept.

    Returns:
        ``eeg_id`` and six columns ``seizure_vote`` ... ``other_vote``, a row an EEG; an EEG that
        could not be read gets 1/6 each.
    """
    means = predictions.groupby("eeg_id")[list(PREDICTION_COLUMNS)].mean()
    rows = means.reindex(labels["eeg_id"].drop_duplicates())
    unread = rows.index[rows.isna().any(axis=1)]
    if len(unread):
        logger.warning(
            "%d of %d EEGs could not be read and get 1/6 a class, such as %s",
            len(unread),
            len(rows),
            unread[0],
        )
    rows = rows.fillna(1 / len(CLASSES))
    return rows.set_axis(list(VOTE_COLUMNS), axis=1).rename_axis("eeg_id").reset_index()
