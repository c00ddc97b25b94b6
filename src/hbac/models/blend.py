"""Join the predictions of several predictors: learned weights, and a bias a class.

The predictors are the architectures of a fold, or runs with settings of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy

Pool = Literal["log-linear", "linear"]
"""Whether logarithms of shares are averaged, or shares."""

POOLS = ("mean", "linear", "log-linear")
"""Ways to join that can be learned, the one that learns nothing first."""

_FLOOR = 1e-7
_PENALTY = 1e-2
"""How much a unit of squared deviation from the plain mean costs, in nats: a few hundred windows
can't tell seven numbers exactly."""

_Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Blend:
    """A pool of the predictions that several predictors make of the same windows.

    A log-linear pool is ``softmax(sum of weight * log prediction + bias)``, a linear one the sum of
    ``weight * prediction`` (Genest and Zidek, Combining Probability Distributions, Statistical
    Science 1, 1986).

    Attributes:
        weights: one a predictor, 0 or more; ``fit_blend`` makes them sum to 1.
        bias: one a class, in nats; a linear pool has none.
        pool: which of the two.
    """

    weights: tuple[float, ...]
    bias: tuple[float, ...]
    pool: Pool = "log-linear"

    @classmethod
    def mean(cls, n_predictors: int, n_classes: int, pool: Pool = "log-linear") -> Blend:
        """Weigh all predictors alike, without a bias."""
        return cls((1 / n_predictors,) * n_predictors, (0.0,) * n_classes, pool)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Blend:
        """The blend of a record, of which an older one says no pool: it is log-linear."""
        pool = record.get("pool", "log-linear")
        return cls(tuple(record["weights"]), tuple(record["bias"]), pool)

    def __call__(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        """Join predictions, each of shape ``(rows, 6)``, into shares of that shape."""
        if self.pool == "linear":
            return np.tensordot(self.weights, np.asarray(predictions, float), axes=1)
        return scipy.special.softmax(_pooled(_logs(predictions), self.weights, self.bias), axis=1)


def _logs(predictions: Sequence[np.ndarray]) -> np.ndarray:
    return np.log(np.maximum(np.asarray(predictions, float), _FLOOR))


def _pooled(logs: np.ndarray, weights: Sequence[float], bias: Sequence[float]) -> np.ndarray:
    return np.tensordot(weights, logs, axes=1) + np.asarray(bias)


def _by_value(weights: np.ndarray, by_weight: np.ndarray) -> np.ndarray:
    """Gradient by what the weights are the softmax of."""
    return weights * (by_weight - weights @ by_weight)


def _log_linear_loss(predictions: Sequence[np.ndarray], votes: np.ndarray) -> _Loss:
    """Loss and gradient by the weights' logits and the bias."""
    logs = _logs(predictions)
    n = len(logs)

    def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = scipy.special.softmax(values[:n]), values[n:]
        log_shares = scipy.special.log_softmax(_pooled(logs, weights, bias), axis=1)
        away = weights - 1 / n
        loss = -(votes * log_shares).sum(axis=1).mean()
        loss += _PENALTY * ((away**2).sum() + (bias**2).sum())
        excess = (np.exp(log_shares) * votes.sum(axis=1, keepdims=True) - votes) / len(votes)
        by_weight = (logs * excess).sum(axis=(1, 2)) + 2 * _PENALTY * away
        by_bias = excess.sum(axis=0) + 2 * _PENALTY * bias
        return loss, np.concatenate([_by_value(weights, by_weight), by_bias])

    return loss_and_gradient


def _linear_loss(predictions: Sequence[np.ndarray], votes: np.ndarray) -> _Loss:
    """Loss and gradient by the weights' logits."""
    shares = np.asarray(predictions, float)
    n = len(shares)

    def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights = scipy.special.softmax(values)
        pooled = np.maximum(np.tensordot(weights, shares, axes=1), _FLOOR)
        away = weights - 1 / n
        loss = -(votes * np.log(pooled)).sum(axis=1).mean() + _PENALTY * (away**2).sum()
        by_share = -votes / pooled / len(votes)
        by_weight = (shares * by_share).sum(axis=(1, 2)) + 2 * _PENALTY * away
        return loss, _by_value(weights, by_weight)

    return loss_and_gradient


def fit_blend(
    predictions: Sequence[np.ndarray], votes: np.ndarray, pool: Pool = "log-linear"
) -> Blend:
    """Learn the blend of least KL divergence on windows that no network was trained on.

    The weights sum to 1: their sum is a temperature, and the one that suits the networks of one
    fold makes the mean over folds, which is less sure than each of them, far too cautious
    (Rahaman and Thiery, Uncertainty Quantification and Deep Ensembles, 2021, arXiv:2007.08792).

    Args:
        predictions: one a predictor, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.
        pool: what is averaged.

    Returns:
        The blend that minimises mean divergence plus a small penalty on how far it lies from the
        plain mean.

    Raises:
        ValueError: if there is no row.
    """
    if not len(votes):
        raise ValueError("a blend needs at least one row, received 0")
    n, n_classes = len(predictions), votes.shape[1]
    linear = pool == "linear"
    loss = (_linear_loss if linear else _log_linear_loss)(predictions, votes)
    start = np.zeros(n if linear else n + n_classes)
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x
    bias = np.zeros(n_classes) if linear else found[n:]
    return Blend(tuple(scipy.special.softmax(found[:n]).tolist()), tuple(bias.tolist()), pool)


def _divergence(votes: np.ndarray, shares: np.ndarray) -> float:
    """Mean cross-entropy, which is the divergence but for what the votes alone make of it."""
    return float(-(votes * np.log(np.maximum(shares, _FLOOR))).sum(axis=1).mean())


def choose_pool(predictions: Sequence[np.ndarray], votes: np.ndarray, folds: np.ndarray) -> str:
    """Choose the way to join that carries over best from some folds to another.

    Args:
        predictions: one a predictor, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out.

    Returns:
        One of ``POOLS``; the plain mean where another is no better, or one fold alone is there.
    """
    if len(np.unique(folds)) < 2:
        return POOLS[0]
    scores = {
        pool: _divergence(votes, cross_fitted_blend(predictions, votes, folds, pool=pool))
        for pool in POOLS
    }
    return min(scores, key=scores.__getitem__)


def learn_blend(
    predictions: Sequence[np.ndarray], votes: np.ndarray, folds: np.ndarray, pool: str
) -> Blend:
    """Learn a blend of a kind.

    Args:
        predictions: one a predictor, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out.
        pool: one of ``POOLS``, or ``auto``; see ``choose_pool``.
    """
    if pool == "auto":
        pool = choose_pool(predictions, votes, folds)
    if pool == "mean":
        return Blend.mean(len(predictions), votes.shape[1], "linear")
    return fit_blend(predictions, votes, pool)


def cross_fitted_blend(
    predictions: Sequence[np.ndarray],
    votes: np.ndarray,
    folds: np.ndarray,
    *,
    pool: str = "log-linear",
    learn_from: np.ndarray | None = None,
) -> np.ndarray:
    """Join out-of-fold predictions, each fold's by a blend learned on the other folds.

    Args:
        predictions: one a predictor, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out, at least two.
        pool: one of ``POOLS``, or ``auto``, which the other folds choose as well.
        learn_from: which rows teach, booleans of shape ``(rows,)``; all where None.

    Returns:
        Shape ``(rows, 6)``.
    """
    joined = np.empty(votes.shape)
    teaching = np.ones(len(votes), bool) if learn_from is None else learn_from
    for fold in np.unique(folds):
        inside = folds == fold
        others = ~inside & teaching
        blend = learn_blend(
            [part[others] for part in predictions], votes[others], folds[others], pool
        )
        joined[inside] = blend([part[inside] for part in predictions])
    return joined
