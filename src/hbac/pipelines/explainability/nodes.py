"""Trained networks and windows to class-activation maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import explain
from hbac.eeg.recording import Recording
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.eeg.windows import window_start
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.modeling.params import ImageParams
from hbac.plots import explanation


def choose_windows(
    predictions: pd.DataFrame, windows: pd.DataFrame, params: ExplainabilityParams
) -> pd.DataFrame:
    """Choose the windows of each class on which most experts agree.

    Args:
        predictions: held-out predictions with votes.
        windows: rows of the model's input, in its order.
        params: of which the number of windows a class.

    Returns:
        The chosen predictions, class by class, with ``row`` (in the model's input),
        ``eeg_offset_seconds`` and ``explained_class`` (the consensus; where there are no votes,
        the most probable class).
    """
    keys = ["eeg_id", "window"]
    rows = windows[[*keys, "eeg_offset_seconds"]].assign(row=np.arange(len(windows)))
    table = predictions.merge(rows, on=keys, validate="one_to_one")
    votes = table[list(VOTE_COLUMNS)].to_numpy()
    probabilities = table[list(PREDICTION_COLUMNS)].to_numpy()
    evidence = np.where(np.isnan(votes), probabilities, votes)
    table = table.assign(
        explained_class=evidence.argmax(axis=1), agreeing=evidence.max(axis=1) * table["n_votes"]
    )
    ranked = table.sort_values(
        ["explained_class", "agreeing", "eeg_id"], ascending=[True, False, True]
    )
    chosen = ranked.groupby("explained_class").head(params.windows_per_class)
    return chosen.drop(columns="agreeing").reset_index(drop=True)


def _networks_of_pictures(ensemble: dict[str, Any]) -> list[dict[str, Any]]:
    chosen = [entry for entry in ensemble["networks"] if entry["input"] == "picture"]
    if not chosen:
        names = [entry["architecture"] for entry in ensemble["networks"]]
        raise ValueError(f"maps need a network that sees pictures, the ensemble has {names}")
    return chosen


def compute_activation_maps(
    chosen: pd.DataFrame,
    model_input: np.ndarray,
    networks: dict[str, Callable[[], Any]],
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> np.ndarray:
    """Grad-CAM of each class on each chosen window, by networks that have not seen it.

    A window that one fold held out is explained by that fold's networks; one that no network was
    trained on, by the mean of all networks' maps. Networks of waveforms are left out.

    Args:
        chosen: as ``choose_windows`` returns them.
        model_input: pictures, shape ``(windows, height, width)``.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: layer and batch size.

    Returns:
        Shape ``(chosen, 6 classes, height, width)``, float32, at least 0, in the picture's size.

    Raises:
        ValueError: if no network of the ensemble sees pictures.
    """
    images = np.asarray(model_input[chosen["row"].to_numpy()], np.float32)
    folds = chosen["fold"].to_numpy()
    total = np.zeros((len(chosen), len(CLASS_NAMES), *images.shape[1:]), np.float32)
    count = np.zeros(len(chosen), int)
    for entry in _networks_of_pictures(ensemble):
        unseen = np.flatnonzero((folds == entry["fold"]) | (folds == UNSEEN))
        if len(unseen):
            network = networks[entry["name"]]()
            maps = explain.gradcam.gradcam(
                network, images[unseen], layer=params.layer, batch_size=params.batch_size
            )
            total[unseen] += explain.upsample(maps, images.shape[1:])
            count[unseen] += 1
    return total / count[:, None, None, None]


def _title(window: dict[str, Any]) -> str:
    probabilities = [window[name] for name in PREDICTION_COLUMNS]
    best = int(np.argmax(probabilities))
    consensus, votes = CLASS_NAMES[window["explained_class"]], window["n_votes"]
    voted = f"experts {consensus}, {votes} votes" if votes else "no votes"
    return f"EEG {window['eeg_id']}: {voted}; network {CLASS_NAMES[best]} {probabilities[best]:.2f}"


def _window_of(recording: Recording, offset: float) -> Recording:
    start = window_start(offset, recording.duration, WINDOW_SECONDS)
    return recording.crop(start, WINDOW_SECONDS)


def _panels(ensemble: dict[str, Any]):
    return ImageParams(**ensemble["image"]).layout.panels()


def draw_activation_maps(
    chosen: pd.DataFrame,
    maps: np.ndarray,
    model_input: np.ndarray,
    eegs: dict[str, Callable[[], Recording]],
    ensemble: dict[str, Any],
) -> dict[str, Figure]:
    """Draw each chosen window: its EEG, votes and prediction, and the maps of all six classes.

    Returns:
        Figures by file name, ``<class>_<eeg_id>_<window>.png``.
    """
    panels = _panels(ensemble)
    figures = {}
    for window, window_maps in zip(chosen.to_dict("records"), maps, strict=True):
        name = CLASS_NAMES[window["explained_class"]].lower()
        figures[f"{name}_{window['eeg_id']}_{window['window']}.png"] = explanation.activation_maps(
            np.asarray(model_input[window["row"]], np.float32),
            window_maps,
            panels,
            _window_of(eegs[str(window["eeg_id"])](), window["eeg_offset_seconds"]),
            class_names=CLASS_NAMES,
            votes=np.array([window[column] for column in VOTE_COLUMNS]),
            prediction=np.array([window[column] for column in PREDICTION_COLUMNS]),
            title=_title(window),
        )
    return figures


def draw_overview(
    chosen: pd.DataFrame, maps: np.ndarray, model_input: np.ndarray, ensemble: dict[str, Any]
) -> Figure:
    """Draw one window of each class with the map of that class."""
    first = chosen.groupby("explained_class").head(1)
    rows = first.index.to_numpy()
    images = np.asarray(model_input[first["row"].to_numpy()], np.float32)
    titles = [_title(window) for window in first.to_dict("records")]
    class_maps = maps[rows, first["explained_class"].to_numpy()]
    return explanation.overview(images, class_maps, _panels(ensemble), titles)
