"""The trained ensemble on recordings that it has not seen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from hbac import models
from hbac.datasets.together import Together
from hbac.eeg.recording import Recording
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.models.preprocessing import (
    kind_of,
    kinds_seen,
    mirrors_of,
    panel_settings,
    record_of,
    sees_ten_minutes,
    waveforms_of,
)
from hbac.models.reference import check_reference
from hbac.pipelines.inference.params import InferenceParams
from hbac.pipelines.modeling.input_nodes import (
    assemble_images,
    assemble_images_of_eegs,
    assemble_waveforms,
    stored_as,
)
from hbac.pipelines.modeling.params import ImageParams
from hbac.pipelines.modeling.training_nodes import table_of_predictions
from hbac.pipelines.spectrogram.feature_nodes import cut_waveforms_seen
from hbac.pipelines.spectrogram.nodes import (
    compute_eeg_spectrograms,
    compute_regional_windows,
    cut_waveforms,
    in_one_pass,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams

logger = logging.getLogger(__name__)

UNSEEN = -1
"""The ``fold`` of a window that no network was trained on."""


def _check_panels(ensemble: dict[str, Any], spectrogram: SpectrogramParams) -> None:
    """Refuse EEG spectrograms that are not made as those that the networks were trained on."""
    trained_on = panel_settings(ensemble)
    made = spectrogram.model_dump(mode="json", include=set(trained_on))
    if made != trained_on:
        raise ValueError(
            f"the networks were trained on EEG spectrograms with {trained_on}, these were made "
            f"with {made}: set the parameter spectrogram to the former"
        )


def assemble_inference_input(
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
    eeg_spectrograms: dict[str, Callable[[], np.ndarray]],
    ensemble: dict[str, Any],
    spectrogram: SpectrogramParams,
    stored: dict[str, Callable[[], np.ndarray]] | None = None,
) -> dict[int, Callable[[], np.ndarray]]:
    """Lay out the picture of every window as the networks were trained on it.

    Args:
        windows: as ``hbac.pipelines.modeling.input_nodes.locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        eeg_spectrograms: by ``eeg_id``, a callable that reads ``(windows, 128, 256, panels)``.
        ensemble: the record that ``modeling`` left beside the networks.
        spectrogram: how these EEG spectrograms were made.
        stored: by ``eeg_id``, a callable that reads the 10 minutes of all its windows, where they
            were computed and are there.

    Returns:
        By row of ``windows``, a callable that returns the picture; empty where no network sees
        pictures.

    Raises:
        ValueError: if pictures are not made as those that the networks were trained on.
    """
    if "picture" not in kinds_seen(ensemble):
        return {}
    record = record_of(ensemble, "picture")
    _check_panels(record, spectrogram)
    check_reference("picture", record)
    image = ImageParams(**record["image"])
    return assemble_images(windows, eegs, spectrograms, eeg_spectrograms, image, stored)


def compute_inference_features(
    eegs: dict[str, Callable[..., Recording]],
    windows: pd.DataFrame,
    spectrogram_files: dict[str, Any],
    params: SpectrogramParams,
    ensemble: dict[str, Any],
    shipped: dict[str, Any] | None = None,
) -> dict[str, Together]:
    """Make all that the first member's networks will see of each EEG, so that it is read once.

    Args:
        eegs: as of ``hbac.pipelines.spectrogram.nodes.compute_eeg_spectrograms``.
        windows: see there.
        spectrogram_files: those that there are, by id.
        params: as of ``compute_eeg_spectrograms``.
        ensemble: the record that ``modeling`` left beside the networks.
        shipped: that of the package's networks, where these are to predict, too.

    Returns:
        By ``eeg_id``, a callable that returns its spectrograms, and beside it, where a network sees
        such, those of ``cut_waveforms_seen``, of each record, and ``compute_regional_windows``.

    Raises:
        ValueError: if no EEG has a file.
    """
    beside = {"eeg_waveforms": cut_waveforms_seen(eegs, windows, ensemble)}
    if sees_ten_minutes(ensemble):
        beside["eeg_regional"] = compute_regional_windows(eegs, windows, spectrogram_files)
    if shipped:
        beside["shipped.eeg_waveforms"] = cut_waveforms_seen(eegs, windows, shipped)
    return in_one_pass(compute_eeg_spectrograms(eegs, windows, params), **beside)


def assemble_inference_waveforms(
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    ensemble: dict[str, Any],
    all_windows: pd.DataFrame | None = None,
    eeg_waveforms: dict[str, Callable[[], np.ndarray]] | None = None,
) -> dict[int, Callable[[], np.ndarray]]:
    """Lay out the bipolar EEG of every window as the networks were trained on it.

    No file of it is there already, made by other parameters, so the record alone says how.

    Args:
        windows: as ``hbac.pipelines.modeling.input_nodes.locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        ensemble: the record that ``modeling`` left beside the networks.
        all_windows: those of which ``eeg_waveforms`` were made.
        eeg_waveforms: what is stored by ``cut_waveforms``, by ``eeg_id``; taken where it is what
            these networks were trained on.

    Returns:
        By row of ``windows``, a callable that returns shape ``(channels, samples)``; empty where
        no network sees waveforms.

    Raises:
        ValueError: if the code makes other waveforms than those that the networks were trained on.
    """
    if "waveform" not in kinds_seen(ensemble):
        return {}
    record = record_of(ensemble, "waveform")
    check_reference("waveform", record)
    settings, stored = waveforms_of(record), {}
    if eeg_waveforms:
        stored = stored_as(eeg_waveforms, cut_waveforms(eegs, all_windows, *settings))
    return assemble_waveforms(windows, eegs, *settings, stored)


def assemble_inference_inputs(
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
    eeg_spectrograms: dict[str, Callable[[], np.ndarray]],
    all_windows: pd.DataFrame,
    eeg_waveforms: dict[str, Callable[[], np.ndarray]],
    eeg_regional: dict[str, Callable[[], np.ndarray]],
    ensemble: dict[str, Any],
    spectrogram: SpectrogramParams,
) -> dict[str, dict[int, Callable[[], np.ndarray]]]:
    """Lay out all that the first member's networks see of every window.

    Args:
        windows: as of ``assemble_inference_input``, and so for all others.
        eegs: see there.
        spectrograms: see there.
        eeg_spectrograms: see there.
        all_windows: as of ``assemble_inference_waveforms``.
        eeg_waveforms: see there.
        eeg_regional: what is stored by ``compute_regional_windows``, by ``eeg_id``.
        ensemble: as of ``assemble_inference_input``.
        spectrogram: see there.

    Returns:
        By ``model_input`` and ``waveform_input``, and row of ``windows``, a callable that returns
        it; see ``assemble_inference_input`` and ``assemble_inference_waveforms``.
    """
    computed = compute_regional_windows(eegs, all_windows, spectrograms)
    return {
        "model_input": assemble_inference_input(
            windows,
            eegs,
            spectrograms,
            eeg_spectrograms,
            ensemble,
            spectrogram,
            stored_as(eeg_regional, computed),
        ),
        "waveform_input": assemble_inference_waveforms(
            windows, eegs, ensemble, all_windows, eeg_waveforms
        ),
    }


def assemble_other_inputs(
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    spectrograms: dict[str, Callable[[], np.ndarray]],
    ensemble: dict[str, Any],
) -> dict[str, dict[int, Callable[[], np.ndarray]]]:
    """Lay out what members of an ensemble see that is made in another way than the first's input.

    EEG spectrograms are made on the way, since those that are stored were made for others.

    Args:
        windows: as ``hbac.pipelines.modeling.input_nodes.locate_spectrograms`` returns them.
        eegs: by ``eeg_id``, a callable that reads the recording.
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.
        ensemble: the record beside the networks.

    Returns:
        By the name that networks know it by, such as ``picture_2``, and row of ``windows``, a
        callable that returns the picture or the waveforms.

    Raises:
        ValueError: if the code makes something else than the networks were trained on.
    """
    others = [name for name in kinds_seen(ensemble) if name not in ("picture", "waveform")]
    tasks = {}
    for name in others:
        kind, record = kind_of(name), record_of(ensemble, name)
        check_reference(kind, record)
        if kind == "picture":
            tasks[name] = assemble_images_of_eegs(windows, eegs, spectrograms, record)
        else:
            tasks[name] = assemble_waveforms(windows, eegs, *waveforms_of(record))
    return tasks


def predict_with_ensemble(
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    windows: pd.DataFrame,
    networks: dict[str, Callable[[], Any]],
    ensemble: dict[str, Any],
    params: InferenceParams,
    other_inputs: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Join the predictions of all networks.

    Args:
        model_input: pictures, shape ``(windows, height, width)``.
        waveform_input: bipolar EEG, shape ``(windows, channels, samples)``.
        windows: their windows, in the same order.
        networks: by name, a callable that loads the network.
        ensemble: the record that names those to use, and how to join them.
        params: of which the batch size.
        other_inputs: by name, what some members of an ensemble see; see ``assemble_other_inputs``.

    Returns:
        The windows' ids and votes (NaN where unknown), ``fold`` -1, ``spectrogram_source``, and
        six columns ``seizure_pred`` ... ``other_pred``; no row where there is no window.

    Raises:
        ValueError: if a network of the ensemble is missing, or a fold lacks an architecture.
    """
    windows = windows.assign(fold=UNSEEN)
    if windows.empty:
        logger.error("No EEG could be read: there is nothing to predict")
        return table_of_predictions(windows, np.empty((0, len(CLASSES))))
    shares = models.predict_with_networks(
        networks,
        {"picture": model_input, "waveform": waveform_input} | (other_inputs or {}),
        ensemble,
        mirrors_of(ensemble),
        batch_size=params.batch_size,
    )
    return table_of_predictions(windows, shares)


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
