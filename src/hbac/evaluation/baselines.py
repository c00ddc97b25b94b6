"""What a model must beat: predictions that never look at the EEG."""

from __future__ import annotations

import numpy as np


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
