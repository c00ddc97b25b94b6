"""Train a network on some windows, keep its best epoch, and predict.

Tracing EfficientNetB0 takes longer than many of its epochs on few windows, so the folds of one
process share a single compiled network, which ``reset`` takes back to its start.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import keras
import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.models.architecture import build_model
from hbac.models.batches import TrainingBatches, image_batches

logger = logging.getLogger(__name__)

_BUILDERS: WeakKeyDictionary[keras.Model, Callable[[], keras.Model]] = WeakKeyDictionary()


def _build_compiled(*, jit_compile: bool | str, **network) -> keras.Model:
    model = build_model(**network)
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.KLDivergence(),
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    return model


# One network a process: another one's traced graphs would stay in memory beside it.
@functools.lru_cache(maxsize=1)
def _shared_model(**settings) -> keras.Model:
    builder = functools.partial(_build_compiled, **settings)
    model = builder()
    _BUILDERS[model] = builder
    return model


def compiled_model(
    *,
    architecture: str = "efficientnet_b0",
    image_size: tuple[int, int],
    weights: str | None = None,
    dropout: float = 0.0,
    batch_norm_momentum: float = 0.99,
    jit_compile: bool | str = "auto",
) -> keras.Model:
    """Return the process's network for these settings, compiled for vote fractions.

    The loss is the Kullback-Leibler divergence from vote fractions, the optimizer Adam. A second
    call with the same settings returns the same network in whatever state it is in, so call
    ``reset`` before training it.

    Args:
        architecture: see ``build_model``.
        image_size: see ``build_model``.
        weights: see ``build_model``.
        dropout: see ``build_model``.
        batch_norm_momentum: see ``build_model``.
        jit_compile: whether to compile with XLA; ``auto`` does on a GPU and with jax, and does
            not with TensorFlow on a CPU, where that takes minutes.

    Returns:
        A compiled model; its input and output are those of ``build_model``.

    Raises:
        ValueError: as ``build_model``.
        OSError: as ``build_model``.
    """
    return _shared_model(
        architecture=architecture,
        image_size=tuple(image_size),
        weights=weights if weights is None else str(weights),
        dropout=dropout,
        batch_norm_momentum=batch_norm_momentum,
        jit_compile=jit_compile,
    )


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what Keras builds meanwhile, and leave the process's generators as they were."""
    # Keras draws the seeds of initializers and of dropout from Python's generator.
    # keras.utils.set_random_seed would also make TensorFlow drop its instantiated functions,
    # which costs 10 s to make again for EfficientNetB0.
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def reset(model: keras.Model, seed: int) -> None:
    """Give a shared network the state that a newly built one has under a seed.

    Weights, statistics, optimizer and dropout start over; what was traced stays.

    Args:
        model: a model from ``compiled_model``.
        seed: seed of the random weights and of dropout.

    Raises:
        ValueError: if the model is not from ``compiled_model``.
    """
    if model not in _BUILDERS:
        raise ValueError(f"only a model from compiled_model can be reset, received {model.name!r}")
    with _seeded(seed):
        fresh = _BUILDERS[model]()
    ours = [*model.variables, *model.optimizer.variables]
    theirs = [*fresh.variables, *fresh.optimizer.variables]
    for variable, start in zip(ours, theirs, strict=True):
        variable.assign(start)


def predict(
    model: keras.Model,
    images: np.ndarray,
    rows: Sequence[int] | None = None,
    *,
    batch_size: int,
) -> np.ndarray:
    """Predict the shares of the six classes.

    Every batch has ``batch_size`` windows, the last one filled up, so that any number of windows
    runs through one traced function.

    Args:
        model: a model from ``compiled_model``, ``build_model`` or a file of one.
        images: pictures, shape ``(windows, height, width)``; read batch by batch.
        rows: which windows, or ``None`` for all.
        batch_size: windows a batch.

    Returns:
        Shape ``(len(rows), 6)``, float32, rows sum to 1.

    Raises:
        ValueError: if there is no row or a picture is not finite.
    """
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    if not len(rows):
        raise ValueError("rows must not be empty")
    parts = [
        model.predict_on_batch(batch)
        for batch in image_batches(images, rows, batch_size=batch_size)
    ]
    return np.concatenate(parts)[: len(rows)]


def _mean_divergence(targets: np.ndarray, shares: np.ndarray) -> float:
    """Mean KL divergence in nats, clipped as ``keras.losses.KLDivergence`` clips."""
    targets, shares = (np.clip(part, keras.config.epsilon(), 1) for part in (targets, shares))
    return float((targets * np.log(targets / shares)).sum(axis=-1).mean())


class _EpochKeeper(keras.callbacks.Callback):
    """Sets each epoch's rate and order, validates, logs a line and keeps the best weights.

    The divergence of the validation rows comes from the function that predicts, because
    ``Model.evaluate`` would trace the network a third time.
    """

    def __init__(
        self,
        batches: TrainingBatches,
        learning_rates: Sequence[float],
        validate: Callable[[keras.Model], float],
    ):
        super().__init__()
        self._batches, self._rates, self._validate = batches, learning_rates, validate
        self._best_loss, self._best_weights = np.inf, None
        self.records: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()
        self._batches.shuffle(epoch=epoch)
        self.model.optimizer.learning_rate = self._rates[epoch]

    def on_epoch_end(self, epoch, logs=None):
        # Later callbacks receive the same dictionary.
        logs["val_loss"] = self._validate(self.model)
        logs["learning_rate"] = self._rates[epoch]
        if logs["val_loss"] < self._best_loss:
            self._best_loss, self._best_weights = logs["val_loss"], self.model.get_weights()
        record = {"epoch": epoch + 1, **logs, "seconds": time.perf_counter() - self._started}
        self.records.append(record)
        logger.info(
            "Epoch %(epoch)d: loss %(loss).4f, val_loss %(val_loss).4f, "
            "learning rate %(learning_rate)g, %(seconds).1f s",
            record,
        )

    def on_train_end(self, logs=None):
        if self._best_weights is None:
            raise ValueError(
                "val_loss was never finite, received "
                f"{[record['val_loss'] for record in self.records]}; lower the learning rates"
            )
        self.model.set_weights(self._best_weights)


def _check_rows(train_rows: np.ndarray, validation_rows: np.ndarray) -> None:
    for name, rows in {"train_rows": train_rows, "validation_rows": validation_rows}.items():
        if not len(rows):
            raise ValueError(f"{name} must not be empty")
    both = np.intersect1d(train_rows, validation_rows)
    if len(both):
        raise ValueError(
            f"train_rows and validation_rows must not overlap, {len(both)} are in both, "
            f"the first is {both[0]}"
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


def _check_images(images: np.ndarray, rows: np.ndarray, batch_size: int) -> None:
    # Before training, because an error inside its batches would reach the user as TensorFlow's.
    for _ in image_batches(images, rows, batch_size=batch_size):
        pass


def fit(
    model: keras.Model,
    images: np.ndarray,
    targets: np.ndarray,
    *,
    train_rows: Sequence[int],
    validation_rows: Sequence[int],
    learning_rates: Sequence[float],
    batch_size: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> pd.DataFrame:
    """Train a network and leave it with the weights of its best epoch.

    The best epoch is the one of the lowest divergence on the validation rows; the moving
    statistics are those of that epoch too. No file is written.

    Args:
        model: a model from ``compiled_model``, ``reset`` before.
        images: pictures, shape ``(windows, height, width)``; a memory-mapped array is read batch
            by batch.
        targets: vote fractions, shape ``(windows, 6)``.
        train_rows: windows to train on.
        validation_rows: windows to choose the epoch by.
        learning_rates: Adam's rate in each epoch; as many epochs as rates.
        batch_size: windows a step; the last batch of an epoch is filled up with its first rows.
        seed: seed of the order of windows, another in each epoch.
        callbacks: Keras callbacks; the logs of ``on_epoch_end`` hold ``loss``, ``val_loss`` and
            ``learning_rate``, and at ``on_train_end`` the model has its best weights.

    Returns:
        A row an epoch: ``epoch`` from 1, ``loss`` (mean over its steps) and ``val_loss`` in
        nats, ``learning_rate`` and ``seconds``.

    Raises:
        ValueError: if rows are empty or overlap, a picture or a target is not finite, a target
            does not sum to 1, there is no rate, or no epoch had a finite validation loss.
    """
    train_rows, validation_rows = np.asarray(train_rows), np.asarray(validation_rows)
    _check_rows(train_rows, validation_rows)
    if not len(learning_rates):
        raise ValueError("learning_rates must not be empty")
    for rows in (train_rows, validation_rows):
        _check_targets(targets, rows)
        _check_images(images, rows, batch_size)
    batches = TrainingBatches(images, targets, train_rows, batch_size=batch_size, seed=seed)

    def validate(model: keras.Model) -> float:
        shares = predict(model, images, validation_rows, batch_size=batch_size)
        return _mean_divergence(targets[validation_rows], shares)

    keeper = _EpochKeeper(batches, learning_rates, validate)
    model.fit(
        batches,
        epochs=len(learning_rates),
        callbacks=[keeper, *callbacks],
        verbose=1 if sys.stdout.isatty() else 0,
        shuffle=False,
    )
    return pd.DataFrame(keeper.records)
