"""What takes the steps of a training, and how long they are."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras.optimizers.schedules import CosineDecay

from hbac.models.schedule import Cosine

_FOREVER = float(np.finfo(np.float32).max)
"""Steps of a decay that leaves the rate where it is."""


class StageRate(CosineDecay):
    """Keras' decay, of which peak, warm-up, length and start are variables of the optimizer.

    Numbers would be part of the traced step, and another stage, or a fold with one step more, would
    be traced again.

    Args:
        optimizer: gets the variables, and its rate from here; not built yet.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        super().__init__(0.0, 1.0, warmup_target=0.0)

        def variable(name: str) -> keras.Variable:
            return optimizer.add_variable((), dtype="float32", name=name)

        self.warmup_target, self.warmup_steps = variable("peak"), variable("warmup_steps")
        self.decay_steps, self._start = variable("decay_steps"), variable("start")
        optimizer.learning_rate = self

    def __call__(self, step):
        """The rate of one of the optimizer's steps."""
        return super().__call__(keras.ops.cast(step, "float32") - self._start)

    def _set(self, *, peak: float, warm_up: float, decay: float, start: int) -> None:
        self.warmup_target.assign(peak)
        self.warmup_steps.assign(warm_up)
        self.decay_steps.assign(decay)
        self._start.assign(start)

    def follow(
        self, rates: Sequence[float], *, epoch: int, step: int, steps_per_epoch: int
    ) -> None:
        """Take the rates of an epoch's steps.

        Args:
            rates: a ``Cosine``, or one rate an epoch.
            epoch: of these rates, from 0.
            step: the optimizer's, with which the epoch begins.
            steps_per_epoch: steps of every epoch.
        """
        if not isinstance(rates, Cosine):
            self._set(peak=rates[epoch], warm_up=0, decay=_FOREVER, start=0)
            return
        warm_up = rates.warm_up * steps_per_epoch
        decay = rates.epochs * steps_per_epoch - warm_up
        self._set(
            peak=rates.peak, warm_up=warm_up, decay=decay, start=step - epoch * steps_per_epoch
        )


def stage_rate(model: keras.Model) -> StageRate:
    """The rate of a model from ``compiled_model``."""
    optimizer = model.optimizer
    # Keras wraps it where the loss must be scaled, for float16.
    return getattr(optimizer, "inner_optimizer", optimizer)._learning_rate


def build_optimizer(
    weights: Sequence[keras.Variable],
    *,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    average_momentum: float | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of some weights, with a ``StageRate``: Adam, or AdamW where they decay.

    Kingma and Ba, 2015, arXiv:1412.6980; Loshchilov and Hutter, Decoupled Weight Decay
    Regularization, 2019, arXiv:1711.05101. Offsets and scales, which are no matrices, don't decay
    (He et al., Bag of Tricks, 2019, arXiv:1812.01187).

    Args:
        weights: what is trained.
        weight_decay: see ``compiled_model``.
        clip_norm: see ``compiled_model``.
        average_momentum: see ``compiled_model``.
    """
    options = {"global_clipnorm": clip_norm}
    if average_momentum:
        options |= {"use_ema": True, "ema_momentum": average_momentum}
    if weight_decay:
        optimizer = keras.optimizers.AdamW(weight_decay=weight_decay, **options)
        optimizer.exclude_from_weight_decay([weight for weight in weights if weight.ndim < 2])
    else:
        optimizer = keras.optimizers.Adam(**options)
    StageRate(optimizer)
    optimizer.build(weights)
    return optimizer
