"""Join the predictions of several architectures: learned weights, and a bias a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

_FLOOR = 1e-7
_PENALTY = 1e-2
"""How much a unit of squared deviation from the plain mean costs, in nats: a few hundred windows
can't tell seven numbers exactly."""


@dataclass(frozen=True)
class Blend:
    """A log-linear pool of the predictions that the architectures of one fold make.

    The shares are ``softmax(sum of weight * log prediction + bias)`` (Genest and Zidek, Combining
    Probability Distributions, Statistical Science 1, 1986).

    Attributes:
        weights: one an architecture, 0 or more; ``fit_blend`` makes them sum to 1.
        bias: one a class, in nats.
    """

    weights: tuple[float, ...]
    bias: tuple[float, ...]

    @classmethod
    def mean(cls, n_architectures: int, n_classes: int) -> Blend:
        """Weigh all architectures alike, without a bias."""
        return cls((1 / n_architectures,) * n_architectures, (0.0,) * n_classes)

    def __call__(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        """Join predictions, each of shape ``(rows, 6)``, into shares of that shape."""
        return softmax(_pooled(_logs(predictions), self.weights, self.bias), axis=1)


def _logs(predictions: Sequence[np.ndarray]) -> np.ndarray:
    return np.log(np.maximum(np.asarray(predictions, float), _FLOOR))


def _pooled(logs: np.ndarray, weights: Sequence[float], bias: Sequence[float]) -> np.ndarray:
    return np.tensordot(weights, logs, axes=1) + np.asarray(bias)


def fit_blend(predictions: Sequence[np.ndarray], votes: np.ndarray) -> Blend:
    """Learn the blend of least KL divergence on windows that no network was trained on.

    The weights sum to 1: their sum is a temperature, and the one that suits the networks of one
    fold makes the mean over folds, which is less sure than each of them, far too cautious
    (Rahaman and Thiery, Uncertainty Quantification and Deep Ensembles, 2021, arXiv:2007.08792).

    Args:
        predictions: one an architecture, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.

    Returns:
        The blend that minimises mean divergence plus a small penalty on how far it lies from the
        plain mean.

    Raises:
        ValueError: if there is no row.
    """
    if not len(votes):
        raise ValueError("a blend needs at least one row, received 0")
    logs = _logs(predictions)
    n, n_classes = len(logs), votes.shape[1]

    def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = softmax(values[:n]), values[n:]
        log_shares = log_softmax(_pooled(logs, weights, bias), axis=1)
        away = weights - 1 / n
        loss = -(votes * log_shares).sum(axis=1).mean()
        loss += _PENALTY * ((away**2).sum() + (bias**2).sum())
        excess = (np.exp(log_shares) * votes.sum(axis=1, keepdims=True) - votes) / len(votes)
        by_weight = (logs * excess).sum(axis=(1, 2)) + 2 * _PENALTY * away
        by_value = weights * (by_weight - weights @ by_weight)
        return loss, np.concatenate([by_value, excess.sum(axis=0) + 2 * _PENALTY * bias])

    found = minimize(loss_and_gradient, np.zeros(n + n_classes), jac=True, method="L-BFGS-B")
    return Blend(tuple(map(float, softmax(found.x[:n]))), tuple(map(float, found.x[n:])))


def cross_fitted_blend(
    predictions: Sequence[np.ndarray], votes: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    """Join out-of-fold predictions, each fold's by a blend learned on the other folds.

    Args:
        predictions: one an architecture, each of shape ``(rows, 6)``.
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out, at least two.

    Returns:
        Shape ``(rows, 6)``.
    """
    joined = np.empty(votes.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        blend = fit_blend([part[~inside] for part in predictions], votes[~inside])
        joined[inside] = blend([part[inside] for part in predictions])
    return joined
