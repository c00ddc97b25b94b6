"""What networks see to trained networks and out-of-fold predictions."""

from __future__ import annotations

import logging
from typing import Any

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from hbac import evaluation, models, tracking
from hbac.eeg.votes import (
    BAND_POWER_COLUMNS,
    CLASSES,
    PREDICTION_COLUMNS,
    VOTE_COLUMNS,
    VOTE_COUNT_COLUMNS,
)
from hbac.evaluation.leakage import check_folds
from hbac.models.blend import Blend, cross_fitted_blend, fit_blend
from hbac.models.inputs import INPUTS, PRETRAINED
from hbac.pipelines.modeling.params import ModelingParams, TrainingParams
from hbac.pipelines.modeling.reference import reference_picture
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.plots import scores

logger = logging.getLogger(__name__)

_KEYS = ["eeg_id", "window"]


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
    consensus = windows[list(VOTE_COLUMNS)].to_numpy().argmax(axis=1)
    kind = StratifiedGroupKFold if np.bincount(consensus).max() >= n_folds else GroupKFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    fold = np.empty(len(windows), int)
    for number, (_, held_out) in enumerate(
        splitter.split(windows, consensus, windows["patient_id"])
    ):
        fold[held_out] = number
    return fold


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
        LeakageError: if folds share a patient or windows that overlap.
    """
    _check_patients(windows, params.n_folds)
    fold = _patient_folds(windows, params.n_folds, params.training.seed)
    table = windows.assign(fold=fold, row=np.arange(len(windows)))
    check_folds(table)
    return [table.assign(held_out=table["fold"] == number) for number in range(params.n_folds)]


def _stages(train: pd.DataFrame, training: TrainingParams) -> list[models.Stage]:
    """All windows, and then those on which enough experts voted, where there are any."""
    stages = [models.Stage(train["row"].to_numpy(), training.rates)]
    if training.second_stage_votes:
        agreed = train.loc[train["n_votes"] >= training.second_stage_votes, "row"].to_numpy()
        if len(agreed):
            return [*stages, models.Stage(agreed, training.second_stage_rates)]
        logger.warning(
            "No window has %d votes or more: there is no second stage", training.second_stage_votes
        )
    return stages


def _training_targets(split: pd.DataFrame, train: pd.DataFrame, prior_votes: float) -> np.ndarray:
    """Vote fractions, smoothed toward the mean of the windows trained on."""
    votes = list(VOTE_COLUMNS)
    prior = train[votes].to_numpy().mean(axis=0)
    return models.soften(split[votes].to_numpy(), split["n_votes"], prior, prior_votes)


def _training_weights(split: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """Weights by votes, of mean 1 over the windows trained on."""
    weights = np.zeros(len(split))
    weights[train["row"]] = models.vote_weights(train["n_votes"].to_numpy())
    return weights


def _layout(kind: str, params: ModelingParams, size: tuple[int, ...]) -> Any:
    return params.image.layout if kind == "picture" else models.WaveformLayout(size)


def _compiled(architecture: str, size: tuple[int, ...], params: ModelingParams) -> Any:
    network = params.network.model_dump(exclude={"architecture", "weights"})
    weights = params.network.weights if architecture in PRETRAINED else None
    return models.compiled_model(
        architecture=architecture,
        image_size=size,
        weights=weights,
        average_momentum=params.training.average_momentum,
        **network,
    )


def _made_from(
    architecture: str, model_input: np.ndarray, split: pd.DataFrame, params: ModelingParams
) -> str:
    """Hash all that a training depends on, so that it never goes on from another one's state."""
    fingerprint = tracking.data_fingerprint(model_input, split)
    return joblib.hash([architecture, fingerprint, params.model_dump(mode="json")])


def train_fold(
    model_input: np.ndarray,
    split: pd.DataFrame,
    checkpoint: Any,
    params: ModelingParams,
    *,
    architecture: str,
) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Train a network on all windows but those held out, and predict these.

    Args:
        model_input: pictures or waveforms, shape ``(windows, height, width)``, float16.
        split: one fold of ``split_folds``.
        checkpoint: a ``CheckpointFile``, from which an interrupted training goes on.
        params: of which network, training and augmentation.
        architecture: which of the networks.

    Returns:
        The network, its history (a row an epoch, with ``network``), and the held-out windows with
        six columns ``seizure_pred`` ... ``other_pred`` and ``architecture``.

    Raises:
        LeakageError: if a patient or a stretch of a recording is on both sides of the split.
    """
    check_folds(split.assign(fold=split["held_out"].astype(int)))
    training, size = params.training, model_input.shape[1:]
    layout = _layout(INPUTS[architecture], params, size)
    train, held_out = split[~split["held_out"]], split[split["held_out"]]
    model = _compiled(architecture, size, params)
    models.reset(model, training.seed)
    prediction = {
        "batch_size": training.batch_size,
        "mirror": layout.mirror if params.mirrored_prediction else None,
    }
    history = models.fit(
        model,
        model_input,
        split[list(VOTE_COLUMNS)].to_numpy(np.float32),
        stages=_stages(train, training),
        validation_rows=held_out["row"].to_numpy(),
        training_targets=_training_targets(split, train, training.prior_votes),
        weights=_training_weights(split, train) if training.vote_weighting else None,
        change=params.augmentation.augmentation.of(layout),
        keep=training.keep,
        recalibration_batches=training.recalibration_batches,
        checkpoint=checkpoint.of(_made_from(architecture, model_input, split, params)),
        callbacks=[tracking.EpochMetrics()],
        seed=training.seed,
        **prediction,
    )
    shares = models.predict(model, model_input, held_out["row"].to_numpy(), **prediction)
    predictions = table_of_predictions(held_out, shares).assign(architecture=architecture)
    name = f"fold_{held_out['fold'].iloc[0]}.{architecture}"
    return model, history.assign(network=name), predictions


def table_of_predictions(windows: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Ids, votes and predictions of windows, one row each."""
    columns = [*_KEYS, "patient_id", "fold", "n_votes", "spectrogram_source"]
    table = windows[[*columns, *VOTE_COUNT_COLUMNS, *VOTE_COLUMNS]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=list(PREDICTION_COLUMNS)))


def collect_network_predictions(*predictions: pd.DataFrame) -> pd.DataFrame:
    """Join the held-out predictions of all folds and architectures into one table.

    Returns:
        A row a window and architecture, by architecture (in the order of training), EEG and
        window.
    """
    table = pd.concat(predictions, ignore_index=True)
    order = pd.Categorical(table["architecture"], table["architecture"].unique())
    keys = table[_KEYS].assign(architecture=order)
    return table.loc[keys.sort_values(["architecture", *_KEYS]).index].reset_index(drop=True)


def _by_architecture(table: pd.DataFrame) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """The windows once, and the predictions of each architecture in their order."""
    parts = [part for _, part in table.groupby("architecture", sort=False)]
    windows = parts[0].drop(columns=["architecture", *PREDICTION_COLUMNS]).reset_index(drop=True)
    return windows, [part[list(PREDICTION_COLUMNS)].to_numpy() for part in parts]


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
    shares = evaluation.band_power_regression(
        np.asarray(band_power)[split["row"].to_numpy()],
        split[list(VOTE_COLUMNS)].to_numpy(),
        split["fold"].to_numpy(),
    )
    table = split[_KEYS].reset_index(drop=True)
    return table.join(pd.DataFrame(shares, columns=list(BAND_POWER_COLUMNS)))


def collect_oof_predictions(
    network_predictions: pd.DataFrame, band_power_predictions: pd.DataFrame, params: ModelingParams
) -> pd.DataFrame:
    """Join all held-out predictions into one of each window, beside the baseline's.

    A learned blend of a fold's windows comes from the other folds, as its networks do.

    Args:
        network_predictions: as ``collect_network_predictions`` returns them.
        band_power_predictions: as ``predict_band_power`` returns them.
        params: of which whether the blend is learned.

    Returns:
        A row a window, ordered by EEG and window: ids, votes, ``fold``, six columns
        ``seizure_pred`` ... and six ``seizure_band_power`` ...
    """
    windows, predictions = _by_architecture(network_predictions)
    if params.blend:
        votes, folds = windows[list(VOTE_COLUMNS)].to_numpy(), windows["fold"].to_numpy()
        shares = cross_fitted_blend(predictions, votes, folds)
    else:
        shares = Blend.mean(len(predictions), len(CLASSES))(predictions)
    table = table_of_predictions(windows, shares)
    return table.merge(band_power_predictions, on=_KEYS, validate="one_to_one")


def collect_history(*histories: pd.DataFrame) -> pd.DataFrame:
    """Join the networks' histories into one table."""
    return pd.concat(histories, ignore_index=True)


def plot_training_curves(history: pd.DataFrame) -> Figure:
    """Draw loss and validation loss of each network by epoch."""
    return scores.training_curves(history)


def describe_ensemble(
    history: pd.DataFrame,
    blend: dict[str, Any],
    params: ModelingParams,
    spectrogram: SpectrogramParams,
) -> dict[str, Any]:
    """Record what inference must know to feed the trained networks as they were fed here.

    Args:
        history: as ``collect_history`` returns it.
        blend: as ``learn_blend`` returns it.
        params: of which image and networks.
        spectrogram: how the EEG was cleaned and its spectrograms made.

    Returns:
        The networks (name, fold, architecture, what they see, best validation loss), the classes'
        order, how predictions are joined, the parameters of image and spectrogram, and how the
        reference window looks as a picture made by these.
    """
    networks = []
    for name, rows in history.groupby("network", sort=False):
        fold, architecture = name.split(".")
        networks.append(
            {
                "name": name,
                "fold": int(fold.removeprefix("fold_")),
                "architecture": architecture,
                "input": INPUTS[architecture],
                "val_loss": float(rows["val_loss"].min()),
            }
        )
    return {
        "networks": networks,
        "classes": list(CLASSES),
        "blend": blend,
        "mirror": params.mirrored_prediction,
        "image": params.image.model_dump(mode="json"),
        "spectrogram": spectrogram.model_dump(mode="json", exclude={"policy", "dtype"}),
        "reference_picture": reference_picture(params.image, spectrogram),
    }
