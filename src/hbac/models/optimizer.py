"""What takes the steps of a training, and how long they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule

from hbac.models.schedule import Cosine

_FOREVER = float(np.finfo(np.float32).max)
"""Steps of a decay that leaves the rate where it is."""

_SMALL = 1e-6
"""In steps."""


@keras.saving.register_keras_serializable("hbac")
class StageRate(LearningRateSchedule):
    """The rates of Keras' ``CosineDecay``, with all numbers in variables of the optimizer.

    Keras' own numbers are part of the traced step, and another stage, or a fold with one step more,
    would be traced again; and it branches, for which a GPU waits, once for each weight that decays.

    Args:
        optimizer: gets the variables, and its rate from here; not built yet.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        def variable(name: str) -> keras.Variable:
            return optimizer.add_variable((), "ones", dtype="float32", name=name)

        self._peak, self._start = variable("peak"), variable("start")
        self._warm_up, self._decay = variable("warmup_steps"), variable("decay_steps")
        optimizer.learning_rate = self

    def __call__(self, step):
        """The rate of one of the optimizer's steps."""
        step = ops.cast(step, "float32") - self._start
        # 1 where there is no warm-up.
        risen = ops.minimum((step + _SMALL) / (self._warm_up + _SMALL), 1)
        fallen = ops.clip((step - self._warm_up) / self._decay, 0, 1)
        return self._peak * risen * (1 + ops.cos(np.pi * fallen)) / 2

    def get_config(self) -> dict[str, Any]:
        """Tell the numbers as ``CosineDecay`` takes them."""
        peak, warm_up, decay = (
            float(ops.convert_to_numpy(value)) for value in (self._peak, self._warm_up, self._decay)
        )
        rising = {"initial_learning_rate": 0.0, "warmup_target": peak, "warmup_steps": warm_up}
        return rising | {"decay_steps": decay}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CosineDecay:
        """Read a network's file back: without an optimizer, it is Keras' own decay."""
        return CosineDecay(**config)

    def _set(self, *, peak: float, warm_up: float, decay: float, start: int) -> None:
        self._peak.assign(peak)
        self._warm_up.assign(warm_up)
        self._decay.assign(decay)
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


def _is_no_matrix(weight: keras.Variable) -> bool:
    return weight.ndim < 2 or math.prod(weight.shape) == 1


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
    (He et al., Bag of Tricks, 2019, arXiv:1812.01187), nor single numbers that a pooling learns.

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
        optimizer.exclude_from_weight_decay(list(filter(_is_no_matrix, weights)))
    else:
        optimizer = keras.optimizers.Adam(**options)
    StageRate(optimizer)
    optimizer.build(weights)
    return optimizer
