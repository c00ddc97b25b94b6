"""What a network must beat: no look at the EEG, and a simple look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hbac.evaluation.divergence import kl_divergence

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_ITERATIONS = 1000
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
"""How much the windows count against the penalty on the coefficients."""

_FALLBACK = 1e-2


def uniform(votes: np.ndarray) -> np.ndarray:
    """Predict every class alike: 1/6, in the shape of ``votes``."""
    return np.full(votes.shape, 1 / votes.shape[-1])


def class_prior(votes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Predict for each fold the mean vote fractions of all other folds.

    Where there is one fold alone, its own mean stands in: it has seen the answers, so the
    baseline is stronger than an honest one.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out, shape ``(rows,)``.

    Returns:
        Probabilities, shape ``(rows, 6)``.
    """
    prior = np.empty(votes.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        prior[inside] = votes[inside if inside.all() else ~inside].mean(axis=0)
    return prior


def _fit_regression(features: np.ndarray, votes: np.ndarray, strength: float) -> Pipeline:
    """Soft labels as six copies of a row, each weighed by the class' vote fraction."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_classes = votes.shape[1]
    regression = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=_ITERATIONS),
    )
    copies = np.repeat(features, n_classes, axis=0)
    classes = np.tile(np.arange(n_classes), len(votes))
    return regression.fit(copies, classes, logisticregression__sample_weight=votes.ravel())


def _held_out(
    features: np.ndarray, votes: np.ndarray, folds: np.ndarray, strength: float
) -> np.ndarray:
    """Predict each fold by a regression fitted on the others."""
    predictions = np.empty(votes.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        regression = _fit_regression(features[~inside], votes[~inside], strength)
        predictions[inside] = regression.predict_proba(features[inside])
    return predictions


def _best_strength(features: np.ndarray, votes: np.ndarray, folds: np.ndarray) -> float:
    """The strength of least divergence between these folds; one alone can't tell."""
    if len(np.unique(folds)) < 2:
        return _FALLBACK
    losses = [
        kl_divergence(votes, _held_out(features, votes, folds, strength)).mean()
        for strength in _STRENGTHS
    ]
    return _STRENGTHS[int(np.argmin(losses))]


def band_power_regression(features: np.ndarray, votes: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Predict each fold by a multinomial logistic regression fitted on all other folds.

    Features are scaled to mean 0 and variance 1, and missing ones replaced by their median, both
    of the folds that the regression is fitted on. These choose the strength of its penalty, too,
    by predicting each other, so that the baseline is no easy one. Where there is one fold alone,
    it is fitted on what it predicts, as ``class_prior`` is.

    Args:
        features: such as log band powers, NaN where unknown, shape ``(rows, n_features)``.
        votes: vote fractions, shape ``(rows, 6)``.
        folds: the fold that holds each row out, shape ``(rows,)``.

    Returns:
        Probabilities, shape ``(rows, 6)``.

    Raises:
        ValueError: if the three do not have as many rows, or a feature is infinite.
    """
    if not len(features) == len(votes) == len(folds):
        raise ValueError(
            f"features, votes and folds must have as many rows, received {len(features)}, "
            f"{len(votes)} and {len(folds)}"
        )
    predictions = np.empty(votes.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        others = inside if inside.all() else ~inside
        known = features[others], votes[others]
        regression = _fit_regression(*known, _best_strength(*known, folds[others]))
        predictions[inside] = regression.predict_proba(features[inside])
    return predictions
