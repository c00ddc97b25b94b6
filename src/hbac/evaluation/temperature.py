"""One number that makes probabilities less sure, or surer, fitted where it is not tested."""

from __future__ import annotations

import numpy as np
import scipy

_LEAST_PROBABILITY = 1e-15
_LARGEST = 20.0


def _log(predictions: np.ndarray) -> np.ndarray:
    """Log probabilities, each row's highest moved to 0."""
    logs = np.log(np.clip(predictions, _LEAST_PROBABILITY, None))
    return logs - logs.max(axis=1, keepdims=True)


def scale_temperature(predictions: np.ndarray, temperature: np.ndarray | float) -> np.ndarray:
    """Divide log probabilities by a temperature and normalise them anew.

    Args:
        predictions: probabilities, shape ``(rows, 6)``.
        temperature: above 1 makes them less sure, below 1 surer; a number or shape ``(rows,)``.

    Returns:
        Probabilities of the same shape and the same most probable classes.
    """
    powers = np.exp(_log(predictions) / np.reshape(temperature, (-1, 1)))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(votes: np.ndarray, predictions: np.ndarray) -> float:
    """Find the temperature with the least mean KL divergence from the votes.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, with vote fractions in
    place of one true class.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        Between 1/20 and 20.
    """
    logs = _log(predictions)
    voted = (votes * logs).sum(axis=1).mean()

    def cross_entropy(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)
        normaliser = np.log(np.exp(logs * sharpness).sum(axis=1)).mean()
        return normaliser - voted * sharpness

    ends = (-np.log(_LARGEST), np.log(_LARGEST))
    found = scipy.optimize.minimize_scalar(cross_entropy, bounds=ends, method="bounded")
    return float(np.exp(found.x))


def cross_fit_temperatures(
    votes: np.ndarray, predictions: np.ndarray, folds: np.ndarray
) -> dict[int, float]:
    """Fit for each fold a temperature on all other folds.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``, of models that did not see the row's fold.
        folds: the fold that holds each row out, shape ``(rows,)``.

    Returns:
        By fold, its temperature; NaN where there is one fold alone, which leaves nothing to fit on.
    """
    names = np.unique(folds)
    if len(names) == 1:
        return {int(names[0]): float("nan")}
    return {
        int(fold): fit_temperature(votes[folds != fold], predictions[folds != fold])
        for fold in names
    }
