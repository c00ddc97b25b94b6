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
    """A log-linear pool of predictions, which is also a calibration of them.

    The shares are ``softmax(sum of weight * log prediction + bias)`` (Genest and Zidek, Combining
    Probability Distributions, Statistical Science 1, 1986). Weights that sum to less than 1 make
    the result less confident than its parts, as a temperature above 1 does.

    Attributes:
        weights: one an architecture, 0 or more.
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
    start = np.concatenate([np.full(n, 1 / n), np.zeros(n_classes)])

    def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
        log_shares = log_softmax(_pooled(logs, values[:n], values[n:]), axis=1)
        away = values - start
        loss = -(votes * log_shares).sum(axis=1).mean() + _PENALTY * (away**2).sum()
        excess = (np.exp(log_shares) * votes.sum(axis=1, keepdims=True) - votes) / len(votes)
        gradient = np.concatenate([(logs * excess).sum(axis=(1, 2)), excess.sum(axis=0)])
        return loss, gradient + 2 * _PENALTY * away

    bounds = [(0, None)] * n + [(None, None)] * n_classes
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Blend(tuple(map(float, found.x[:n])), tuple(map(float, found.x[n:])))


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
