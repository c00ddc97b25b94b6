"""The training of one network, on one fold or on all, and of its teachers."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from hbac import models, tracking
from hbac.datasets.fingerprint import task_fingerprint
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.evaluation.leakage import check_folds
from hbac.models.inputs import INPUTS
from hbac.models.members import ALL_FOLDS
from hbac.models.missing import holds_nothing
from hbac.models.seeds import architecture_of, seed_of
from hbac.pipelines.modeling.params import ModelingParams, TrainingParams

logger = logging.getLogger(__name__)

KEYS = ["eeg_id", "window"]
"""Columns that name a window."""

Teachers = Sequence[pd.DataFrame]
"""What networks of the same fold predict of the windows trained on; see ``teach``."""


def table_of_predictions(windows: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """Ids, votes and predictions of windows, one row each."""
    columns = ["eeg_id", "window", "patient_id", "fold", "n_votes", "spectrogram_source"]
    table = windows[[*columns, *VOTE_COUNT_COLUMNS, *VOTE_COLUMNS]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=list(PREDICTION_COLUMNS)))


def voted(windows: pd.DataFrame) -> pd.DataFrame:
    """The windows that have votes."""
    return windows[windows["n_votes"] > 0]


def fixed_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Of each EEG the window with most votes, the first of several."""
    most = windows.sort_values("n_votes", ascending=False, kind="stable")
    return most.drop_duplicates("eeg_id").sort_index()


def _sampler(windows: pd.DataFrame, training: TrainingParams) -> models.Sampler:
    drawn = training.windows_per_epoch == "one_per_eeg"
    # One without votes doesn't take the place of one with votes.
    eegs = windows.groupby(["eeg_id", windows["n_votes"] > 0], sort=False)
    return models.Sampler(
        windows["row"].to_numpy(),
        groups=eegs.ngroup().to_numpy() if drawn else None,
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
    """Training on some windows, which weigh by their votes to a power that changes evenly.

    Where there are none, the teachers' count.
    """
    rows = windows["row"].to_numpy()
    n_votes = windows["n_votes"].replace(0, training.teacher_votes).to_numpy()

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
    return voted(windows)[list(VOTE_COLUMNS)].to_numpy().mean(axis=0)


def _told(train: pd.DataFrame, teachers: Teachers) -> np.ndarray:
    """Mean of what teachers predict of the windows that are not held out."""
    windows = pd.MultiIndex.from_frame(train[KEYS])
    said = [table.set_index(KEYS)[list(PREDICTION_COLUMNS)] for table in teachers]
    for table in said:
        untold = windows.difference(table.index)
        if len(untold):
            eeg_id, window = untold[0]
            raise ValueError(
                f"teachers predict nothing of {len(untold)} of {len(windows)} windows, the first "
                f"is window {window} of eeg_id {eeg_id}; train them again on these windows"
            )
    return np.mean([table.loc[windows] for table in said], axis=0)


def _trained_on(split: pd.DataFrame, teachers: Teachers) -> pd.DataFrame:
    """All but those held out; without votes, with the fractions of teachers or left out."""
    train = split[~split["held_out"]]
    if not teachers:
        return voted(train)
    votes = train[list(VOTE_COLUMNS)].where(train["n_votes"] > 0, _told(train, teachers), axis=0)
    return train.assign(**votes)


def _training_targets(
    train: pd.DataFrame, n_rows: int, training: TrainingParams, teachers: Teachers
) -> np.ndarray:
    """Vote fractions, joined by what teachers say and smoothed toward the mean trained on."""
    votes, n_votes = train[list(VOTE_COLUMNS)].to_numpy(), train["n_votes"].to_numpy(float)
    if teachers:
        votes = models.soften(votes, n_votes, _told(train, teachers), training.teacher_votes)
        n_votes = n_votes + training.teacher_votes
    targets = np.full((n_rows, votes.shape[1]), 1 / votes.shape[1])
    targets[train["row"]] = models.soften(votes, n_votes, class_prior(train), training.prior_votes)
    return targets


def _votes(split: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """Vote fractions of a split, and what teachers have put in their place."""
    votes = np.array(split[list(VOTE_COLUMNS)], np.float32)
    votes[train["row"]] = train[list(VOTE_COLUMNS)]
    return votes


def _training_options(
    split: pd.DataFrame, train: pd.DataFrame, training: TrainingParams, teachers: Teachers
) -> dict[str, Any]:
    return {
        "stages": _stages(train, len(split), training),
        "training_targets": _training_targets(train, len(split), training, teachers),
        "keep": training.keep,
        "recalibration_batches": training.recalibration_batches,
        "feed": training.feed,
    }


def _layout(kind: str, params: ModelingParams, stored: tuple[int, int]) -> Any:
    if kind == "picture":
        return params.image.layout
    layout, (n_channels, n_samples) = params.waveform.layout, stored
    return replace(layout, size=(n_channels, n_samples - 2 * layout.margin))


def _borrowed(
    name: str, size: tuple[int, ...], params: ModelingParams
) -> AbstractContextManager[Any]:
    """Borrow a network that has learnt nothing yet."""
    architecture = architecture_of(name)
    return models.borrowed_model(
        seed_of(name, params.training.seed),
        image_size=size,
        input_scale=params.waveform.scale if INPUTS[architecture] == "waveform" else "fixed",
        **params.network.settings(architecture),
        **params.training.optimizer,
    )


def _weights_identity(weights: str | None) -> str | None:
    """Stand-in for weights to start from: of a file, what is in it."""
    is_file = weights is not None and Path(weights).is_file()
    return joblib.hash(Path(weights).read_bytes()) if is_file else weights


def made_from(
    name: str,
    model_input: np.ndarray,
    split: pd.DataFrame,
    params: ModelingParams,
    teachers: Teachers = (),
) -> str:
    """Hash all that a training depends on, so that it never goes on from another one's state.

    Beside data and parameters these are the code that builds the network, wherever it was
    registered from, the code that trains it, Keras and its backend.

    Args:
        name: which of the networks.
        model_input: what it sees, shape ``(windows, height, width)``.
        split: one fold of ``split_folds``.
        params: of which network, training and augmentation.
        teachers: as ``teach`` returns them.
    """
    builder = models.builder_of(architecture_of(name))
    code = (builder, train_fold, models.fit, models.borrowed_model)
    return joblib.hash(
        [
            name,
            tracking.data_fingerprint(model_input, split),
            *teachers,
            params.model_dump(mode="json"),
            _weights_identity(params.network.weights),
            [task_fingerprint(each) for each in code],
            models.keras_in_force(),
            models.resolve_precision(params.network.precision),
        ]
    )


@dataclass(frozen=True)
class _Trained:
    """A network at the end of its training, as long as it is borrowed."""

    network: Any
    history: pd.DataFrame
    predict: Callable[[pd.DataFrame], np.ndarray]
    """Shares of the classes in rows of the split; the prior where there is nothing to see."""

    nothing: np.ndarray
    """Windows of the input that hold nothing."""


@contextlib.contextmanager
def _trained(
    model_input: np.ndarray,
    split: pd.DataFrame,
    train: pd.DataFrame,
    checkpoint: Any,
    params: ModelingParams,
    name: str,
    *,
    validated: pd.DataFrame | None = None,
    teachers: Teachers = (),
    callbacks: Sequence[Any] = (),
) -> Iterator[_Trained]:
    """Borrow a network, train it on some windows of a split and validate it by others."""
    training = params.training
    layout = _layout(INPUTS[architecture_of(name)], params, model_input.shape[1:])
    seen = layout.middle(model_input)
    nothing = holds_nothing(seen)
    prediction = {
        "batch_size": training.batch_size,
        "mirror": layout.mirror if params.mirrored_prediction else None,
    }
    validation_rows = np.empty(0, int) if validated is None else validated["row"].to_numpy()
    with _borrowed(name, seen.shape[1:], params) as network:
        history, validation_shares = models.fit_and_predict(
            network,
            model_input,
            _votes(split, train),
            **_training_options(split, train, training, teachers),
            validation_rows=validation_rows,
            change=params.augmentation.augmentation.of(layout),
            checkpoint=checkpoint.of(made_from(name, model_input, split, params, teachers)),
            callbacks=callbacks,
            seed=seed_of(name, training.seed),
            **prediction,
        )

        def predict(windows: pd.DataFrame) -> np.ndarray:
            rows = windows["row"].to_numpy()
            if np.array_equal(rows, validation_rows):
                shares = validation_shares.copy()
            else:
                shares = models.predict(network, seen, rows, **prediction)
            shares[nothing[rows]] = class_prior(train)
            return shares

        yield _Trained(network, history, predict, nothing)


def teach(
    model_input: np.ndarray,
    split: pd.DataFrame,
    checkpoint: Any,
    params: ModelingParams,
    *,
    architecture: str,
) -> pd.DataFrame:
    """Train a network to teach others of its fold, and predict the windows they are trained on.

    It learns from windows with many votes and nothing of those held out, by which no epoch is
    chosen either (Lee, Pseudo-Label, ICML workshop on challenges in representation learning 2013;
    Xie et al., Noisy Student, 2020, arXiv:1911.04252).

    Args:
        model_input: pictures or waveforms, shape ``(windows, height, width)``, float16.
        split: one fold of ``split_folds``.
        checkpoint: a ``CheckpointFile``, from which an interrupted training goes on.
        params: of which network, training and augmentation.
        architecture: which of the networks; see ``hbac.models.seeds``.

    Returns:
        ``eeg_id``, ``window`` and six columns ``seizure_pred`` ..., a row a window that is not held
        out, with votes or without.
    """
    train, fewest = split[~split["held_out"]], params.training.teacher_fewest_votes
    agreed = voted(train[train["n_votes"] >= fewest])
    if agreed.empty:
        logger.warning("No window has %d votes or more: teachers learn from all", fewest)
        agreed = voted(train)
    changes = {"keep": "last", "teacher_votes": 0.0, "second_stage_votes": 0}
    alone = params.model_copy(update={"training": params.training.model_copy(update=changes)})
    with _trained(model_input, split, agreed, checkpoint, alone, architecture) as trained:
        shares = trained.predict(train)
    table = train[KEYS].reset_index(drop=True)
    return table.join(pd.DataFrame(shares, columns=list(PREDICTION_COLUMNS)))


def train_fold(
    model_input: np.ndarray,
    split: pd.DataFrame,
    checkpoint: Any,
    params: ModelingParams,
    *teachers: pd.DataFrame,
    architecture: str,
) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Train a network on all windows but those held out, and predict these.

    Windows without votes are trained on where there are teachers, and never predicted.

    Args:
        model_input: pictures or waveforms, shape ``(windows, height, width)``, float16.
        split: one fold of ``split_folds``.
        checkpoint: a ``CheckpointFile``, from which an interrupted training goes on.
        params: of which network, training and augmentation.
        *teachers: tables of ``teach``, of the same fold.
        architecture: which of the networks; see ``hbac.models.seeds``.

    Returns:
        The network, its history (a row an epoch, with ``network``), and the held-out windows with
        six columns ``seizure_pred`` ... ``other_pred``, ``architecture`` and ``input_missing``:
        whether there was nothing to see, where the prediction is the mean of the votes trained on.

    Raises:
        LeakageError: if a patient or a stretch of a recording is on both sides of the split.
        ValueError: if teachers predict nothing of a window that is not held out.
    """
    check_folds(split.assign(fold=split["held_out"].astype(int)))
    train, held_out = _trained_on(split, teachers), voted(split[split["held_out"]])
    drawn = params.training.windows_per_epoch == "one_per_eeg"
    with _trained(
        model_input,
        split,
        train,
        checkpoint,
        params,
        architecture,
        validated=fixed_windows(held_out) if drawn else held_out,
        teachers=teachers,
        callbacks=[tracking.EpochMetrics()],
    ) as trained:
        shares = trained.predict(held_out)
        # Kedro saves it when another fold may train the network that was borrowed.
        network = models.copy_of(trained.network)
    predictions = table_of_predictions(held_out, shares).assign(
        architecture=architecture, input_missing=trained.nothing[held_out["row"].to_numpy()]
    )
    name = f"fold_{held_out['fold'].iloc[0]}.{architecture}"
    return network, trained.history.assign(network=name), predictions


def train_on_all(
    model_input: np.ndarray,
    split: pd.DataFrame,
    checkpoint: Any,
    params: ModelingParams,
    *teachers: pd.DataFrame,
    architecture: str,
) -> tuple[Any, pd.DataFrame]:
    """Train a network on the windows of all folds, whose score nobody can tell.

    Args:
        model_input: as in ``train_fold``.
        split: as ``join_folds`` returns it.
        checkpoint: as in ``train_fold``.
        params: as in ``train_fold``.
        *teachers: as in ``train_fold``, of networks that have seen all folds as well.
        architecture: as in ``train_fold``.

    Returns:
        The network and its history, in which the validation loss is NaN.

    Raises:
        ValueError: as in ``train_fold``.
    """
    with _trained(
        model_input,
        split,
        _trained_on(split, teachers),
        checkpoint,
        params,
        architecture,
        teachers=teachers,
        callbacks=[tracking.EpochMetrics()],
    ) as trained:
        network = models.copy_of(trained.network)
    return network, trained.history.assign(network=f"fold_{ALL_FOLDS}.{architecture}")
