"""Kullback-Leibler divergence of predictions from expert votes, the competition's score."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

VOTE_TIERS = {
    "all": (0, math.inf),
    "under 3": (0, 3),
    "3-9": (3, 10),
    "10 and more": (10, math.inf),
}
"""Groups of windows by their number of votes: from the first number to below the second."""

_EPSILON = 1e-15


def kl_divergence(votes: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Divergence of each row's prediction from its vote fractions, in nats.

    Predictions are clipped to ``1e-15 ... 1 - 1e-15`` and not renormalised, and a class without
    votes adds nothing, as in the competition; its score is the mean over rows.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        Shape ``(rows,)``; 0 where both agree.

    Raises:
        ValueError: if the shapes differ, or a prediction is NaN.
    """
    votes, predictions = np.asarray(votes, float), np.asarray(predictions, float)
    if votes.shape != predictions.shape:
        raise ValueError(f"votes have shape {votes.shape}, predictions {predictions.shape}")
    if np.isnan(predictions).any():
        row = int(np.argwhere(np.isnan(predictions))[0, 0])
        raise ValueError(f"predictions must not be NaN, received {predictions[row]} in row {row}")
    clipped = np.clip(predictions, _EPSILON, 1 - _EPSILON)
    ratio = np.divide(votes, clipped, out=np.ones_like(votes), where=votes > 0)
    return (votes * np.log(ratio)).sum(axis=-1)


def kl_by_tier(
    votes: np.ndarray, n_votes: np.ndarray, predictions: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Mean divergence of several models, over all windows and by number of votes.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        n_votes: number of votes, shape ``(rows,)``.
        predictions: by the model's name, probabilities of shape ``(rows, 6)``.

    Returns:
        Columns ``tier``, ``model``, ``kl`` (NaN where a tier is empty) and ``n`` (windows).
    """
    divergences = {model: kl_divergence(votes, values) for model, values in predictions.items()}
    rows = []
    for tier, (least, below) in VOTE_TIERS.items():
        inside = (n_votes >= least) & (n_votes < below)
        for model, divergence in divergences.items():
            mean = divergence[inside].mean() if inside.any() else math.nan
            rows.append({"tier": tier, "model": model, "kl": mean, "n": int(inside.sum())})
    return pd.DataFrame(rows)
