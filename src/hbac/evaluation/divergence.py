"""Kullback-Leibler divergence of predictions from expert votes, the competition's score."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from hbac.evaluation.bootstrap import PatientBootstrap

VOTE_TIERS = {
    "all": (0, math.inf),
    "under 3": (0, 3),
    "3-9": (3, 10),
    "10 and more": (10, math.inf),
}
"""Groups of windows by the votes of one label: from the first number to below the second."""

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


def in_tier(n_votes: np.ndarray, tier: str) -> np.ndarray:
    """Which windows are in a tier.

    Args:
        n_votes: votes of one label, shape ``(rows,)``.
        tier: a name in ``VOTE_TIERS``.
    """
    least, below = VOTE_TIERS[tier]
    return (n_votes >= least) & (n_votes < below)


def _tabulate(
    divergences: dict[str, np.ndarray], n_votes: np.ndarray, bootstrap: PatientBootstrap
) -> pd.DataFrame:
    """Means by tier: columns ``tier``, ``name``, ``value``, ``low``, ``high`` and counts."""
    values = np.stack(list(divergences.values()), axis=1)
    tables = []
    for tier in VOTE_TIERS:
        inside = in_tier(n_votes, tier)
        value, low, high = bootstrap.estimate(bootstrap.means(values, inside))
        table = pd.DataFrame({"tier": tier, "name": list(divergences), "value": value})
        n_patients = int(bootstrap.n_patients(inside[:, None])[0])
        tables.append(table.assign(low=low, high=high, n=int(inside.sum()), n_patients=n_patients))
    return pd.concat(tables, ignore_index=True)


def kl_by_tier(
    votes: np.ndarray,
    n_votes: np.ndarray,
    predictions: dict[str, np.ndarray],
    bootstrap: PatientBootstrap,
) -> pd.DataFrame:
    """Mean divergence of several models, over all windows and by number of votes.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        n_votes: votes of one label, shape ``(rows,)``.
        predictions: by the model's name, probabilities of shape ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Columns ``tier``, ``model``, ``kl`` (nats, NaN where a tier is empty), ``low`` and ``high``
        (also NaN where it has one patient), ``n`` (windows) and ``n_patients``.
    """
    divergences = {model: kl_divergence(votes, values) for model, values in predictions.items()}
    table = _tabulate(divergences, n_votes, bootstrap)
    return table.rename(columns={"name": "model", "value": "kl"})


def kl_differences(
    votes: np.ndarray,
    n_votes: np.ndarray,
    predictions: dict[str, np.ndarray],
    bootstrap: PatientBootstrap,
) -> pd.DataFrame:
    """Mean divergence of the first model minus that of each other, in the same draws.

    Model and baseline see the same patients in each draw, so what makes a patient hard for both
    cancels, and the interval is that of the difference.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        n_votes: votes of one label, shape ``(rows,)``.
        predictions: by name, the model's probabilities and then the baselines', ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Columns ``tier``, ``baseline``, ``difference`` (nats, below 0 where the model is better),
        ``low``, ``high``, ``n`` and ``n_patients``; NaN as in ``kl_by_tier``.
    """
    model, *baselines = (kl_divergence(votes, values) for values in predictions.values())
    names = list(predictions)[1:]
    differences = {name: model - other for name, other in zip(names, baselines, strict=True)}
    table = _tabulate(differences, n_votes, bootstrap)
    return table.rename(columns={"name": "baseline", "value": "difference"})
