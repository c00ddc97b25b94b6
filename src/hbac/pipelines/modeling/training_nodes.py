"""The training of one network on one fold."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from hbac import models, tracking
from hbac.datasets.fingerprint import task_fingerprint
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.evaluation.leakage import check_folds
from hbac.models.inputs import INPUTS, PRETRAINED
from hbac.models.missing import holds_nothing
from hbac.pipelines.modeling.params import ModelingParams, TrainingParams

logger = logging.getLogger(__name__)


def table_of_predictions(windows: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Ids, votes and predictions of windows, one row each."""
    columns = ["eeg_id", "window", "patient_id", "fold", "n_votes", "spectrogram_source"]
    table = windows[[*columns, *VOTE_COUNT_COLUMNS, *VOTE_COLUMNS]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=list(PREDICTION_COLUMNS)))


def fixed_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Of each EEG the window with most votes, the first of several."""
    most = windows.sort_values("n_votes", ascending=False, kind="stable")
    return most.drop_duplicates("eeg_id").sort_index()


def _sampler(windows: pd.DataFrame, training: TrainingParams) -> models.Sampler:
    drawn = training.windows_per_epoch == "one_per_eeg"
    return models.Sampler(
        windows["row"].to_numpy(),
        groups=pd.factorize(windows["eeg_id"])[0] if drawn else None,
        shares=windows[list(VOTE_COLUMNS)].to_numpy(),
        balance=training.class_balance,
    )


def _stage(
    windows: pd.DataFrame,
    n_rows: int,
    rates: Sequence[float],
    powers: tuple[float, float],
    training: TrainingParams,
) -> models.Stage:
    """Training on some windows, which weigh by their votes to a power that changes evenly."""
    rows, n_votes = windows["row"].to_numpy(), windows["n_votes"].to_numpy()

    def weigh(epoch: int) -> np.ndarray:
        weights = np.zeros(n_rows)
        power = np.interp(epoch, (0, max(len(rates) - 1, 1)), powers)
        weights[rows] = models.vote_weights(n_votes, power)
        return weights

    return models.Stage(rows, rates, _sampler(windows, training), weigh if any(powers) else None)


def _stages(train: pd.DataFrame, n_rows: int, training: TrainingParams) -> list[models.Stage]:
    """All windows, and then those on which enough experts voted, where there are any."""
    powers = training.vote_weighting
    stages = [_stage(train, n_rows, training.rates, powers, training)]
    if training.second_stage_votes:
        agreed = train[train["n_votes"] >= training.second_stage_votes]
        if len(agreed):
            rates, last = training.second_stage_rates, (powers[1], powers[1])
            return [*stages, _stage(agreed, n_rows, rates, last, training)]
        logger.warning(
            "No window has %d votes or more: there is no second stage", training.second_stage_votes
        )
    return stages


def class_prior(windows: pd.DataFrame) -> np.ndarray:
    """Mean vote fractions, shape ``(6,)``."""
    return windows[list(VOTE_COLUMNS)].to_numpy().mean(axis=0)


def _training_targets(split: pd.DataFrame, train: pd.DataFrame, prior_votes: float) -> np.ndarray:
    """Vote fractions, smoothed toward the mean of the windows trained on."""
    votes = split[list(VOTE_COLUMNS)].to_numpy()
    return models.soften(votes, split["n_votes"], class_prior(train), prior_votes)


def _training_options(split: pd.DataFrame, training: TrainingParams) -> dict[str, Any]:
    train, held_out = split[~split["held_out"]], split[split["held_out"]]
    validated = held_out if training.windows_per_epoch == "all" else fixed_windows(held_out)
    return {
        "stages": _stages(train, len(split), training),
        "validation_rows": validated["row"].to_numpy(),
        "training_targets": _training_targets(split, train, training.prior_votes),
        "keep": training.keep,
        "recalibration_batches": training.recalibration_batches,
        "seed": training.seed,
    }


def _layout(kind: str, params: ModelingParams, size: tuple[int, ...]) -> Any:
    if kind == "picture":
        return params.image.layout
    return models.WaveformLayout(size, params.waveform.sampling_rate)


def _network(
    architecture: str, size: tuple[int, ...], params: ModelingParams
) -> AbstractContextManager[Any]:
    """Borrow a network that has learnt nothing yet."""
    network = params.network.model_dump(exclude={"architecture", "weights"})
    weights = params.network.weights if architecture in PRETRAINED else None
    return models.borrowed_model(
        params.training.seed,
        architecture=architecture,
        image_size=size,
        input_scale=params.waveform.scale if INPUTS[architecture] == "waveform" else "fixed",
        weights=weights,
        **network,
        **params.training.optimizer,
    )


def _weights_identity(weights: str | None) -> str | None:
    """Stand-in for weights to start from: of a file, what is in it."""
    is_file = weights is not None and Path(weights).is_file()
    return joblib.hash(Path(weights).read_bytes()) if is_file else weights


def made_from(
    architecture: str, model_input: np.ndarray, split: pd.DataFrame, params: ModelingParams
) -> str:
    """Hash all that a training depends on, so that it never goes on from another one's state.

    Beside data and parameters these are the code that builds the network, wherever it was
    registered from, the code that trains it, Keras and its backend.

    Args:
        architecture: which of the networks.
        model_input: what it sees, shape ``(windows, height, width)``.
        split: one fold of ``split_folds``.
        params: of which network, training and augmentation.
    """
    code = (models.builder_of(architecture), train_fold, models.fit, models.borrowed_model)
    return joblib.hash(
        [
            architecture,
            tracking.data_fingerprint(model_input, split),
            params.model_dump(mode="json"),
            _weights_identity(params.network.weights),
            [task_fingerprint(each) for each in code],
            models.keras_in_force(),
            models.resolve_precision(params.network.precision),
        ]
    )


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
        six columns ``seizure_pred`` ... ``other_pred``, ``architecture`` and ``input_missing``:
        whether there was nothing to see, where the prediction is the mean of the votes trained on.

    Raises:
        LeakageError: if a patient or a stretch of a recording is on both sides of the split.
    """
    check_folds(split.assign(fold=split["held_out"].astype(int)))
    training, held_out = params.training, split[split["held_out"]]
    size = model_input.shape[1:]
    layout = _layout(INPUTS[architecture], params, size)
    prediction = {
        "batch_size": training.batch_size,
        "mirror": layout.mirror if params.mirrored_prediction else None,
    }
    with _network(architecture, size, params) as network:
        history = models.fit(
            network,
            model_input,
            split[list(VOTE_COLUMNS)].to_numpy(np.float32),
            **_training_options(split, training),
            change=params.augmentation.augmentation.of(layout),
            checkpoint=checkpoint.of(made_from(architecture, model_input, split, params)),
            callbacks=[tracking.EpochMetrics()],
            **prediction,
        )
        shares = models.predict(network, model_input, held_out["row"].to_numpy(), **prediction)
        # Kedro saves it when another fold may train the network that was borrowed.
        trained = models.copy_of(network)
    nothing = holds_nothing(model_input)[held_out["row"].to_numpy()]
    shares[nothing] = class_prior(split[~split["held_out"]])
    predictions = table_of_predictions(held_out, shares).assign(
        architecture=architecture, input_missing=nothing
    )
    name = f"fold_{held_out['fold'].iloc[0]}.{architecture}"
    return trained, history.assign(network=name), predictions
