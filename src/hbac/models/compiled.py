"""Compiled networks, how they are taken back to their start, and how folds take turns with one.

Tracing EfficientNetB0 takes longer than many of its epochs on few windows, so a compiled network
is lent to one training after another. Two that run at once get two: nobody else has a network
while it is lent, and what a training leaves behind is a copy.
"""

from __future__ import annotations

import contextlib
import functools
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras

from hbac.models.architecture import InputScale, Pooling, build_model, builder_of
from hbac.models.optimizer import build_optimizer

_BUILDERS: WeakKeyDictionary[keras.Model, Callable[[], keras.Model]] = WeakKeyDictionary()

_drawing = threading.RLock()
"""Held by the thread that builds a network: Keras draws seeds from Python's generator, which all
threads share."""

_MOST_IDLE = 3
"""Folds of several architectures alternate. More are not kept: their traced graphs fill the
memory."""


def _build_compiled(
    *, jit_compile: bool | str, optimizer: dict[str, Any], **network
) -> keras.Model:
    model = build_model(**network)
    model.compile(
        optimizer=build_optimizer(model.trainable_variables, **optimizer),
        loss=keras.losses.KLDivergence(),
        jit_compile=jit_compile,
    )
    return model


def compiled_model(
    *,
    architecture: str = "efficientnet_b0",
    image_size: tuple[int, int],
    weights: str | None = None,
    dropout: float = 0.0,
    pooling: Pooling = "average",
    input_scale: InputScale = "fixed",
    batch_norm_momentum: float = 0.99,
    precision: str = "float32",
    average_momentum: float | None = None,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    jit_compile: bool | str = "auto",
) -> keras.Model:
    """Build a network of the caller's own, compiled for vote fractions.

    The loss is the Kullback-Leibler divergence from vote fractions, the optimizer Adam or, where
    weights decay, AdamW. Its weights are random until ``reset`` gives them a seed.

    Args:
        architecture: see ``build_model``.
        image_size: see ``build_model``.
        weights: see ``build_model``.
        dropout: see ``build_model``.
        pooling: see ``build_model``.
        input_scale: see ``build_model``.
        batch_norm_momentum: see ``build_model``.
        precision: see ``build_model``.
        average_momentum: share of an exponential moving average of the weights that stays after
            each step, above 0 and below 1 (Polyak and Juditsky 1992); ``None`` keeps no average.
        weight_decay: share of each weight that a step takes away, times the learning rate.
        clip_norm: largest norm of a step's gradients, all together; ``None`` for any.
        jit_compile: compile by XLA: ``auto`` does where Keras thinks it pays, which it does
            not with TensorFlow on a CPU, where that takes minutes.

    Returns:
        A compiled model; its input and output are those of ``build_model``.

    Raises:
        ValueError: as ``build_model``.
        OSError: as ``build_model``.
    """
    builder = functools.partial(
        _build_compiled,
        architecture=architecture,
        image_size=tuple(image_size),
        weights=weights if weights is None else str(weights),
        dropout=dropout,
        pooling=pooling,
        input_scale=input_scale,
        batch_norm_momentum=batch_norm_momentum,
        precision=precision,
        optimizer={
            "average_momentum": average_momentum,
            "weight_decay": weight_decay,
            "clip_norm": clip_norm,
        },
        jit_compile=jit_compile,
    )
    with _drawing:
        model = builder()
        _BUILDERS[model] = builder
    return model


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what Keras builds meanwhile, and leave the process's generators as they were."""
    # keras.utils.set_random_seed would also make TensorFlow drop its instantiated functions,
    # which costs 10 s to make again for EfficientNetB0.
    with _drawing:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def reset(model: keras.Model, seed: int) -> None:
    """Give a compiled network the state that a newly built one has under a seed.

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


class _Pool:
    """Compiled networks that nobody trains at the moment, the last used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Any, keras.Model]] = []

    def take(self, settings: Any) -> keras.Model | None:
        """Take out a network of these settings, if there is one."""
        with self._lock:
            for place, (of_model, model) in enumerate(self._idle):
                if of_model == settings:
                    del self._idle[place]
                    return model
        return None

    def put(self, settings: Any, model: keras.Model) -> None:
        """Take a network back, and drop those that were used longest ago."""
        with self._lock:
            self._idle.append((settings, model))
            del self._idle[:-_MOST_IDLE]

    def clear(self) -> None:
        """Drop all."""
        with self._lock:
            self._idle.clear()


_pool = _Pool()


@contextlib.contextmanager
def borrowed_model(seed: int, **settings: Any) -> Iterator[keras.Model]:
    """Lend a compiled network in its start state, to one training at a time.

    It is traced already where a training before had the same settings. While it is lent nobody
    else gets it, so that trainings on several threads never share one; afterwards the next does,
    so what must last is taken from it by ``copy_of``. A training that fails doesn't return it.

    Args:
        seed: see ``reset``.
        **settings: see ``compiled_model``.

    Yields:
        A compiled model.

    Raises:
        ValueError: as ``build_model``.
        OSError: as ``build_model``.
    """
    # Code that was edited under a running kernel makes another network under the same name.
    key = settings | {"builder": builder_of(settings["architecture"])}
    model = _pool.take(key) or compiled_model(**settings)
    reset(model, seed)
    yield model
    _pool.put(key, model)


def copy_of(model: keras.Model) -> keras.Model:
    """Copy a network with all that it has learnt, to keep while others train the original.

    Args:
        model: a network of one flat graph.

    Returns:
        The same network, not compiled, without the optimizer's state.
    """
    not_compiled = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    # New weights, and the seeds of dropout, are drawn only to be overwritten.
    with _seeded(0):
        copy = keras.models.clone_model(not_compiled)
    for ours, theirs in zip(copy.variables, model.variables, strict=True):
        ours.assign(theirs)
    return copy
