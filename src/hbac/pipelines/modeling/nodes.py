"""Windows to folds, and what their networks predict to out-of-fold predictions."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import evaluation
from hbac.eeg.votes import BAND_POWER_COLUMNS, CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation.leakage import check_folds
from hbac.models.blend import Blend, cross_fitted_blend, fit_blend
from hbac.models.inputs import INPUTS, Input
from hbac.models.members import ALL_FOLDS
from hbac.models.reference import describe_pictures, describe_waveforms
from hbac.models.seeds import architecture_of
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.training_nodes import KEYS, class_prior, table_of_predictions, voted
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.plots import scores

logger = logging.getLogger(__name__)

NO_FOLD = -1
"""The ``fold`` of a window of a patient on whom nobody has voted: no fold holds it out."""


def _check_patients(windows: pd.DataFrame, n_folds: int) -> None:
    n = windows["patient_id"].nunique()
    if n < n_folds:
        remedy = (
            f"set modeling.n_folds to {n} or less"
            if n > 1
            else "training needs windows of two patients at least, one of them held out"
        )
        raise ValueError(
            f"{n_folds} folds need as many patients, there are {n} (in {len(windows)} windows "
            f"whose EEG could be read): {remedy}"
        )


def _patient_folds(windows: pd.DataFrame, n_folds: int, seed: int) -> np.ndarray:
    """The fold of each window: of like classes, where a class has enough windows for that."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    consensus = windows[list(VOTE_COLUMNS)].to_numpy().argmax(axis=1)
    kind = StratifiedGroupKFold if np.bincount(consensus).max() >= n_folds else GroupKFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    fold = np.empty(len(windows), int)
    for number, (_, held_out) in enumerate(
        splitter.split(windows, consensus, windows["patient_id"])
    ):
        fold[held_out] = number
    return fold


def _warn_of_unused(n_unlabelled: int, params: ModelingParams) -> None:
    if n_unlabelled and not params.training.teacher_votes:
        logger.warning(
            "%d windows without votes are left out: they teach nothing while "
            "modeling.training.teacher_votes is 0",
            n_unlabelled,
        )


def split_folds(windows: pd.DataFrame, params: ModelingParams) -> list[pd.DataFrame]:
    """Divide the windows into folds, with all windows of a patient in one of them.

    Args:
        windows: rows of the model's input; those without votes have no part in the division, and
            are held out with their patient.
        params: of which the number of folds and their seed.

    Returns:
        A table a fold: the windows with ``fold`` (the fold that holds them out, or ``NO_FOLD``),
        ``row`` (their row in the model's input) and ``held_out`` (whether it is this fold that
        does).

    Raises:
        ValueError: if there are fewer patients than folds.
        LeakageError: if folds share a patient or windows that overlap.
    """
    labelled = voted(windows)
    _check_patients(labelled, params.n_folds)
    fold = _patient_folds(labelled, params.n_folds, params.fold_seed)
    of_patient = dict(zip(labelled["patient_id"], fold, strict=True))
    folds = windows["patient_id"].map(of_patient).fillna(NO_FOLD).astype(int)
    table = windows.assign(fold=folds, row=np.arange(len(windows)))
    _warn_of_unused(len(windows) - len(labelled), params)
    check_folds(table)
    return [table.assign(held_out=table["fold"] == number) for number in range(params.n_folds)]


def join_folds(split: pd.DataFrame) -> pd.DataFrame:
    """Hold nothing out, for networks that are trained on all folds.

    Args:
        split: any fold of ``split_folds``.
    """
    return split.assign(held_out=False)


def collect_network_predictions(*predictions: pd.DataFrame) -> pd.DataFrame:
    """Join the held-out predictions of all folds and architectures into one table.

    Returns:
        A row a window and architecture, by architecture (in the order of training), EEG and
        window.
    """
    table = pd.concat(predictions, ignore_index=True)
    order = pd.Categorical(table["architecture"], table["architecture"].unique())
    keys = table[KEYS].assign(architecture=order)
    return table.loc[keys.sort_values(["architecture", *KEYS]).index].reset_index(drop=True)


def _by_architecture(table: pd.DataFrame) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """The windows once, and the predictions of each architecture in their order."""
    parts = [part for _, part in table.groupby("architecture", sort=False)]
    of_network = ["architecture", "input_missing", *PREDICTION_COLUMNS]
    windows = parts[0].drop(columns=of_network).reset_index(drop=True)
    return windows, [part[list(PREDICTION_COLUMNS)].to_numpy() for part in parts]


def _unseen(table: pd.DataFrame) -> np.ndarray:
    """Windows of which no architecture saw anything, in the order of ``_by_architecture``."""
    parts = [part["input_missing"] for _, part in table.groupby("architecture", sort=False)]
    return np.logical_and.reduce([part.to_numpy(bool) for part in parts])


def learn_blend(network_predictions: pd.DataFrame, params: ModelingParams) -> dict[str, Any]:
    """Learn how the ensemble joins its architectures, from all held-out predictions.

    Args:
        network_predictions: as ``collect_network_predictions`` returns them.
        params: of which whether anything is learned; if not, it is the plain mean.

    Returns:
        ``weights`` in the architectures' order, and ``bias`` in that of ``CLASSES``.
    """
    windows, predictions = _by_architecture(network_predictions)
    votes = windows[list(VOTE_COLUMNS)].to_numpy()
    mean = Blend.mean(len(predictions), len(CLASSES))
    blend = fit_blend(predictions, votes) if params.blend else mean
    return {"weights": list(blend.weights), "bias": list(blend.bias)}


def predict_band_power(band_power: np.ndarray, split: pd.DataFrame) -> pd.DataFrame:
    """Predict by logistic regression on band power, fitted on the other folds.

    Args:
        band_power: shape ``(windows, features)``.
        split: any fold of ``split_folds``.

    Returns:
        ``eeg_id``, ``window`` and six columns ``seizure_band_power`` ... ``other_band_power``.
    """
    split = voted(split)
    shares = evaluation.band_power_regression(
        np.asarray(band_power)[split["row"].to_numpy()],
        split[list(VOTE_COLUMNS)].to_numpy(),
        split["fold"].to_numpy(),
    )
    table = split[KEYS].reset_index(drop=True)
    return table.join(pd.DataFrame(shares, columns=list(BAND_POWER_COLUMNS)))


def join_networks(network_predictions: pd.DataFrame, params: ModelingParams) -> pd.DataFrame:
    """Join the held-out predictions of all architectures into one of each window.

    A learned blend of a fold's windows comes from the other folds, as its networks do.

    Args:
        network_predictions: as ``collect_network_predictions`` returns them.
        params: of which whether the blend is learned.

    Returns:
        A row a window, ordered by EEG and window: ids, votes, ``fold`` and six columns
        ``seizure_pred`` ...
    """
    windows, predictions = _by_architecture(network_predictions)
    if params.blend:
        votes, folds = windows[list(VOTE_COLUMNS)].to_numpy(), windows["fold"].to_numpy()
        shares = cross_fitted_blend(predictions, votes, folds)
    else:
        shares = Blend.mean(len(predictions), len(CLASSES))(predictions)
    # A bias a class would move what no network has seen anything of away from its prior.
    unseen = _unseen(network_predictions)
    shares[unseen] = np.mean(predictions, axis=0)[unseen]
    if unseen.any():
        logger.warning(
            "%d of %d windows hold nothing that a network sees, and are predicted to be the prior "
            "of their fold",
            unseen.sum(),
            len(unseen),
        )
    return table_of_predictions(windows, shares)


def collect_oof_predictions(
    network_predictions: pd.DataFrame, band_power_predictions: pd.DataFrame, params: ModelingParams
) -> pd.DataFrame:
    """Join all held-out predictions into one of each window, beside the baseline's.

    Args:
        network_predictions: as ``collect_network_predictions`` returns them.
        band_power_predictions: as ``predict_band_power`` returns them.
        params: of which whether the blend is learned.

    Returns:
        As ``join_networks``, with six columns ``seizure_band_power`` ... beside them.
    """
    table = join_networks(network_predictions, params)
    return table.merge(band_power_predictions, on=KEYS, validate="one_to_one")


def collect_history(*histories: pd.DataFrame) -> pd.DataFrame:
    """Join the networks' histories into one table."""
    return pd.concat(histories, ignore_index=True)


def plot_training_curves(history: pd.DataFrame) -> Figure:
    """Draw loss and validation loss of each network by epoch."""
    return scores.training_curves(history)


def _describe_references(
    params: ModelingParams, spectrogram: SpectrogramParams
) -> dict[Input, list[list[float]]]:
    """Describe the reference windows as the networks see them, by what they see."""
    makers = {
        "picture": partial(describe_pictures, params.image.layout, spectrogram.settings),
        "waveform": partial(describe_waveforms, spectrogram.cleaning, params.waveform.layout),
    }
    return {kind: makers[kind]() for kind in sorted(params.network.inputs)}


def _entry(name: str, history: pd.DataFrame) -> dict[str, Any]:
    """Describe a network of ``describe_ensemble``."""
    fold, network = name.removeprefix("fold_").split(".")
    loss = history.loc[history["kept"], "val_loss"].item()
    return {
        "name": name,
        "fold": ALL_FOLDS if fold == ALL_FOLDS else int(fold),
        "architecture": network,
        "input": INPUTS[architecture_of(network)],
        "val_loss": None if np.isnan(loss) else loss,
    }


def describe_ensemble(
    history: pd.DataFrame,
    blend: dict[str, Any],
    split: pd.DataFrame,
    params: ModelingParams,
    spectrogram: SpectrogramParams,
) -> dict[str, Any]:
    """Record what inference must know to feed the trained networks as they were fed here.

    Args:
        history: as ``collect_history`` returns it.
        blend: as ``learn_blend`` returns it.
        split: any fold of ``split_folds``, for the class prior.
        params: of which image, waveform and networks.
        spectrogram: how the EEG was cleaned and its spectrograms made.

    Returns:
        The networks (name, fold, architecture, what they see, validation loss of the weights that
        are kept; networks of all folds have the fold ``all`` and the loss ``None``, since there is
        no window that they have not seen), the classes' order and prior (which a window gets that
        holds nothing), how predictions are joined, the parameters of image, waveform and
        spectrogram, and how reference windows look, made by these.
    """
    by_network = history.groupby("network", sort=False)
    return {
        "networks": [_entry(*of_network) for of_network in by_network],
        "classes": list(CLASSES),
        "prior": class_prior(split).tolist(),
        "blend": blend,
        "mirror": params.mirrored_prediction,
        "image": params.image.model_dump(mode="json"),
        "waveform": params.waveform.model_dump(mode="json", exclude={"shift"}),
        "spectrogram": spectrogram.model_dump(mode="json", exclude={"policy", "dtype"}),
        "reference": _describe_references(params, spectrogram),
    }
