"""One compiled network an architecture, and how it is taken back to its start.

Tracing EfficientNetB0 takes longer than many of its epochs on few windows, so the folds of one
process share a single compiled network.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

import keras

from hbac.models.architecture import build_model

_BUILDERS: WeakKeyDictionary[keras.Model, Callable[[], keras.Model]] = WeakKeyDictionary()


def _build_compiled(
    *, jit_compile: bool | str, average_momentum: float | None, **network
) -> keras.Model:
    model = build_model(**network)
    averaging = {"use_ema": True, "ema_momentum": average_momentum} if average_momentum else {}
    model.compile(
        optimizer=keras.optimizers.Adam(**averaging),
        loss=keras.losses.KLDivergence(),
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    return model


# Folds of several architectures alternate. More are not kept: their traced graphs fill the memory.
@functools.lru_cache(maxsize=3)
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
    precision: str = "float32",
    average_momentum: float | None = None,
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
        precision: see ``build_model``.
        average_momentum: share of an exponential moving average of the weights that stays after
            each step, above 0 and below 1 (Polyak and Juditsky 1992); ``None`` keeps no average.
        jit_compile: compile by XLA: ``auto`` does where Keras thinks it pays, which it does
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
        precision=precision,
        average_momentum=average_momentum,
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
