"""Train a network on some windows, in stages, and leave it with the weights that are kept."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import keras
import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.models.batches import TrainingBatches, check_images, default_workers, image_batches
from hbac.models.changes import Change
from hbac.models.feed import FedNetwork, Feed, fed_network
from hbac.models.optimizer import stage_rate
from hbac.models.prediction import Mirror, predict
from hbac.models.recalibration import recalibrate
from hbac.models.sampling import Draw

logger = logging.getLogger(__name__)

Batches = Callable[[], Iterable[np.ndarray]]
"""Reads some batches of windows, anew each time."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training on some windows.

    Attributes:
        rows: the windows to train on.
        learning_rates: the rate in each epoch, or a ``Cosine`` by step; as many epochs as it is
            long.
        draw: draws the rows of an epoch, in their order, from ``rows``; ``None`` takes all of them
            in a random order.
        weigh: how much each window counts in an epoch, which it takes by its number in this stage,
            from 0; of mean 1, shape ``(windows,)``. ``None`` for all alike.
    """

    rows: np.ndarray
    learning_rates: Sequence[float]
    draw: Draw | None = None
    weigh: Callable[[int], np.ndarray] | None = None


class Checkpoint(Protocol):
    """Where an interrupted training finds its state."""

    def load(self) -> dict[str, Any] | None:
        """Return the last state, or None."""

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state."""


class NoCheckpoint:
    """Keeps nothing."""

    def load(self) -> None:
        """There is no state."""

    def save(self, state: dict[str, Any]) -> None:
        """Forget the state."""


def _mean_divergence(targets: np.ndarray, shares: np.ndarray) -> float:
    """Mean KL divergence in nats, clipped as ``keras.losses.KLDivergence`` clips."""
    targets, shares = (np.clip(part, keras.config.epsilon(), 1) for part in (targets, shares))
    return float((targets * np.log(targets / shares)).sum(axis=-1).mean())


def _values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    # Copied, because jax shows its own memory, which the next step reuses.
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _take_average(model: keras.Model) -> None:
    """Give a network the average of its weights, if its optimizer keeps one."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    # With jax, weights and average now are the same arrays, and a step may use up each but once.
    _assign(model.trainable_variables, _values(model.trainable_variables))


def _averages(model: keras.Model) -> bool:
    # Keras wraps the optimizer where the loss must be scaled, for float16.
    return getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema


@contextlib.contextmanager
def _kept_weights(model: keras.Model, batches: Batches | None) -> Iterator[None]:
    """Give the network, for a while, the weights that would be kept if training ended here."""
    if not _averages(model) and batches is None:
        yield
        return
    trained = _values(model.variables)
    _take_average(model)
    if batches is not None:
        recalibrate(model, batches())
    try:
        yield
    finally:
        _assign(model.variables, trained)


@dataclass
class _Progress:
    """All that an interrupted training must know to go on."""

    epoch: int = 0
    kept_epoch: int = 0
    kept_loss: float = np.inf
    kept: list[np.ndarray] | None = None
    kept_shares: list[np.ndarray] | None = None
    """In a list, as a checkpoint takes arrays."""
    records: list[dict[str, float]] = field(default_factory=list)


class _EpochKeeper(keras.callbacks.Callback):
    """Sets each epoch's rate and order, validates, logs a line, and keeps weights and state.

    The divergence of the validation rows comes from the function that predicts, because
    ``Model.evaluate`` would trace the network a third time.
    """

    def __init__(
        self,
        network: keras.Model,
        progress: _Progress,
        checkpoint: Checkpoint,
        validate: Callable[[], tuple[np.ndarray, float]],
        keep: Literal["best", "last"],
        calibration: Batches | None,
        n_epochs: int,
    ):
        super().__init__()
        # Not ``self.model``, which may be a ``FedNetwork`` around it.
        self._network = network
        self._progress, self._checkpoint, self._validate = progress, checkpoint, validate
        self._keep, self._calibration, self._n_epochs = keep, calibration, n_epochs

    def begin_stage(self, stage: Stage, batches: TrainingBatches, first_epoch: int) -> None:
        """Take the epochs of one stage."""
        self._stage, self._batches, self._first_epoch = stage, batches, first_epoch

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()
        number, weigh = epoch - self._first_epoch, self._stage.weigh
        self._batches.shuffle(epoch=epoch, weights=weigh and weigh(number))
        stage_rate(self._network).follow(
            self._stage.learning_rates,
            epoch=number,
            step=int(keras.ops.convert_to_numpy(self._network.optimizer.iterations)),
            steps_per_epoch=len(self._batches),
        )

    def on_epoch_end(self, epoch, logs=None):
        progress = self._progress
        # Later callbacks receive the same dictionary.
        logs["val_loss"] = np.nan
        if self._keep == "best" or epoch + 1 == self._n_epochs:
            logs["val_loss"] = self._score(epoch)
        logs["learning_rate"] = self._stage.learning_rates[epoch - self._first_epoch]
        seconds = time.perf_counter() - self._started
        progress.records.append({"epoch": epoch + 1, **logs, "seconds": seconds})
        progress.epoch = epoch + 1
        logger.info(
            "Epoch %(epoch)d: loss %(loss).4f, val_loss %(val_loss).4f, "
            "learning rate %(learning_rate)g, %(seconds).1f s",
            progress.records[-1],
        )
        self._checkpoint.save(_state(self._network, progress))

    def _score(self, epoch: int) -> float:
        """Validate what would be kept of an epoch, and keep it if it is to be."""
        progress = self._progress
        with _kept_weights(self._network, self._calibration):
            shares, loss = self._validate()
            if self._keep == "last" or loss < progress.kept_loss:
                progress.kept_epoch, progress.kept_loss = epoch + 1, loss
                progress.kept, progress.kept_shares = self._network.get_weights(), [shares]
        return loss


def _state(model: keras.Model, progress: _Progress) -> dict[str, Any]:
    return {
        "variables": _values(model.variables),
        "optimizer": _values(model.optimizer.variables),
        **vars(progress),
    }


def _resume(model: keras.Model, checkpoint: Checkpoint) -> _Progress:
    """Put the network into the state that a checkpoint holds, if it holds one."""
    state = checkpoint.load()
    if state is None:
        return _Progress()
    _assign(model.variables, state.pop("variables"))
    _assign(model.optimizer.variables, state.pop("optimizer"))
    progress = _Progress(**state)
    logger.info("Going on after epoch %d", progress.epoch)
    return progress


def _check_rows(stages: Sequence[Stage], validation_rows: np.ndarray, keep: str) -> None:
    if not len(validation_rows) and keep == "best":
        raise ValueError("validation_rows must not be empty where the best epoch is kept")
    if not stages:
        raise ValueError("stages must not be empty")
    for number, stage in enumerate(stages):
        if not len(stage.rows):
            raise ValueError(f"the rows of stage {number} must not be empty")
        if not len(stage.learning_rates):
            raise ValueError(f"the learning_rates of stage {number} must not be empty")
        both = np.intersect1d(stage.rows, validation_rows)
        if len(both):
            raise ValueError(
                f"rows of stage {number} and validation_rows must not overlap, {len(both)} are in "
                f"both, the first is {both[0]}"
            )


def _check_targets(targets: np.ndarray, rows: np.ndarray) -> None:
    if targets.ndim != 2 or targets.shape[1] != len(CLASSES):
        raise ValueError(f"targets must have shape (windows, 6), received {targets.shape}")
    chosen = targets[rows]
    good = (chosen >= 0).all(axis=1) & np.isclose(chosen.sum(axis=1), 1, atol=1e-3)
    if not good.all():
        raise ValueError(
            "targets must be fractions that sum to 1, "
            f"row {rows[~good][0]} holds {chosen[~good][0].tolist()}"
        )


def _calibration_batches(
    images: np.ndarray, rows: np.ndarray, n_batches: int, batch_size: int, seed: int
) -> Batches | None:
    if not n_batches:
        return None
    order = np.random.default_rng(seed).permutation(rows)[: n_batches * batch_size]
    return functools.partial(image_batches, images, order, batch_size=batch_size)


def _run_stages(
    model: keras.Model,
    fed: FedNetwork | None,
    stages: Sequence[Stage],
    make_batches: Callable[..., TrainingBatches],
    keeper: _EpochKeeper,
    progress: _Progress,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Train the epochs that are left."""
    end = 0
    for stage in stages:
        start, end = end, end + len(stage.learning_rates)
        if progress.epoch >= end:
            continue
        if 0 < start == progress.epoch:
            # Keras does so at the end of a fit, which an interrupted one has not reached.
            _take_average(model)
        batches = make_batches(stage.rows, draw=stage.draw)
        keeper.begin_stage(stage, batches, start)
        (fed or model).fit(
            batches,
            initial_epoch=progress.epoch,
            epochs=end,
            callbacks=[keeper, *callbacks],
            verbose=1 if sys.stdout.isatty() else 0,
            shuffle=False,
        )


def _validate(
    forward: Callable[[np.ndarray], np.ndarray], targets: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, float]:
    """Predict the validation rows, and score that; NaN where there are none."""
    if not len(rows):
        return np.empty((0, len(CLASSES)), np.float32), np.nan
    shares = forward(rows)
    return shares, _mean_divergence(targets[rows], shares)


def _check_finite(progress: _Progress, name: str) -> None:
    losses = [record[name] for record in progress.records]
    kept = losses[progress.kept_epoch - 1] if progress.kept else np.nan
    if not np.isfinite(kept):
        raise ValueError(f"{name} was never finite, received {losses}; lower the learning rates")


def fit_and_predict(
    model: keras.Model,
    images: np.ndarray,
    targets: np.ndarray,
    *,
    stages: Sequence[Stage],
    validation_rows: Sequence[int],
    batch_size: int,
    seed: int,
    training_targets: np.ndarray | None = None,
    change: Change | None = None,
    mirror: Mirror | None = None,
    keep: Literal["best", "last"] = "best",
    recalibration_batches: int = 0,
    checkpoint: Checkpoint | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    workers: int | None = None,
    feed: Feed = "auto",
) -> tuple[pd.DataFrame, np.ndarray]:
    """Train a network in stages and leave it with the weights of its best or its last epoch.

    What is validated after an epoch is what would be kept of it: where the model was compiled
    with ``average_momentum``, the averaged weights, and where ``recalibration_batches`` are
    asked for, with statistics of their own. Training itself goes on from the weights as they
    were; a second stage begins with the average.

    Args:
        model: a model from ``compiled_model``, ``reset`` before.
        images: what the network sees, shape ``(windows, height, width)``, with the margins of
            ``change.layout``; a memory-mapped array is read batch by batch.
        targets: vote fractions, shape ``(windows, 6)``.
        stages: which windows to train on, and for how long, one stage after the other.
        validation_rows: windows to validate each epoch by; there may be none where ``keep`` is
            ``last``, and losses of validation are NaN then.
        batch_size: windows a step; the last batch of an epoch is filled up with its first rows.
        seed: seed of the order of windows and of their changes, another in each epoch.
        training_targets: what is trained toward instead of ``targets``, same shape.
        change: changes each training batch; see ``hbac.models.augmentation``.
        mirror: validate the mean over each window and its mirror image.
        keep: ``best`` keeps the epoch of the lowest divergence on the validation rows, whose
            score then is slightly optimistic; ``last`` keeps the last, and validates it alone.
        recalibration_batches: batches of the first stage's windows from which the statistics of
            batch normalisation are measured after each epoch that may be kept; 0 keeps the moving
            ones.
        checkpoint: takes the state after each epoch; where it holds one, training goes on there,
            with the result that it would have had uninterrupted.
        callbacks: Keras callbacks; the logs of ``on_epoch_end`` hold ``loss``, ``val_loss`` and
            ``learning_rate``.
        workers: threads that make training batches ahead, which changes nothing else; 0 for
            none, ``None`` for ``default_workers()``.
        feed: how windows reach the network, which changes nothing else; see ``hbac.models.feed``.

    Returns:
        A row an epoch: ``epoch`` from 1, ``loss`` (mean over its steps, of the training targets)
        and ``val_loss`` in nats (NaN of epochs that can't be kept), ``learning_rate`` (in the
        middle of the epoch), ``seconds``, and ``kept``: whether it is the epoch whose weights are
        kept. And what the network predicts of the validation rows, shape ``(rows, 6)``.

    Raises:
        ValueError: if rows are empty or overlap, a picture or a target is not finite, a target
            does not sum to 1, there is no rate, what is drawn is not in a stage's rows, or the
            loss was never finite.
    """
    stages = [replace(stage, rows=np.asarray(stage.rows)) for stage in stages]
    validation_rows = np.asarray(validation_rows, int)
    _check_rows(stages, validation_rows, keep)
    used_rows = np.unique(np.concatenate([validation_rows, *(stage.rows for stage in stages)]))
    _check_targets(targets, used_rows)
    # Before training, because an error inside its batches would reach the user as TensorFlow's.
    check_images(images, used_rows, batch_size=batch_size)

    middles = images if change is None else change.layout.middle(images)
    fed = fed_network(model, images, change=change, mirror=mirror, feed=feed)
    forward = (
        functools.partial(predict, model, middles, mirror=mirror, batch_size=batch_size)
        if fed is None
        else functools.partial(fed.predict_rows, images, batch_size=batch_size)
    )
    validate = functools.partial(_validate, forward, targets, validation_rows)
    make_batches = functools.partial(
        TrainingBatches,
        images,
        targets if training_targets is None else training_targets,
        np.ones(len(targets)),
        batch_size=batch_size,
        seed=seed,
        change=change,
        workers=default_workers() if workers is None else workers,
        inputs=None if fed is None else functools.partial(fed.inputs_of, images=images),
    )
    rows = stages[0].rows
    calibration = _calibration_batches(middles, rows, recalibration_batches, batch_size, seed)
    checkpoint = checkpoint or NoCheckpoint()
    progress = _resume(model, checkpoint)
    n_epochs = sum(len(stage.learning_rates) for stage in stages)
    keeper = _EpochKeeper(model, progress, checkpoint, validate, keep, calibration, n_epochs)
    _run_stages(model, fed, stages, make_batches, keeper, progress, callbacks)
    _check_finite(progress, "val_loss" if len(validation_rows) else "loss")
    model.set_weights(progress.kept)
    history = pd.DataFrame(progress.records)
    return history.assign(kept=history["epoch"] == progress.kept_epoch), progress.kept_shares[0]


def fit(*arguments: Any, **options: Any) -> pd.DataFrame:
    """Train as ``fit_and_predict``, and return the history alone."""
    return fit_and_predict(*arguments, **options)[0]
