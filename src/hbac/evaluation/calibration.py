"""Whether a probability of 0.3 means that three in ten experts say so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.evaluation.bootstrap import PatientBootstrap
from hbac.evaluation.divergence import kl_divergence

_LEAST_ROWS = 10
"""Rows a bin: the fewer, the more a gap between means is chance."""


def _bins(probability: np.ndarray, n_bins: int) -> np.ndarray:
    """Which bin each row is in, as 0 and 1 of shape ``(rows, bins)``.

    Bins hold equally many rows, at least ten, so few rows make fewer bins. Equal probabilities
    stay together, and a bin may stay empty.
    """
    n_bins = max(1, min(n_bins, len(probability) // _LEAST_ROWS))
    edges = np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.eye(n_bins)[np.searchsorted(edges, probability, side="right")]


def reliability_curve(
    votes: np.ndarray, predictions: np.ndarray, n_bins: int, bootstrap: PatientBootstrap
) -> pd.DataFrame:
    """Compare each class' mean probability with its mean vote fraction, in bins.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        n_bins: bins of equally many rows a class; fewer where a bin would have under ten.
        bootstrap: draws of the rows' patients; bins are those of the data in every draw.

    Returns:
        Columns ``class``, ``predicted``, ``observed``, ``low``, ``high`` (of ``observed``) and
        ``n`` (windows), a row a bin that is not empty.
    """
    tables = []
    for name, vote, probability in zip(CLASSES, votes.T, predictions.T, strict=True):
        bins = _bins(probability, n_bins)
        observed = bootstrap.estimate(bootstrap.ratios(bins * vote[:, None], bins))
        n = bins.sum(axis=0)
        curve = {"class": name, "predicted": probability @ bins / np.maximum(n, 1)}
        curve |= dict(zip(("observed", "low", "high"), observed, strict=True))
        tables.append(pd.DataFrame(curve).assign(n=n.astype(int))[n > 0])
    return pd.concat(tables, ignore_index=True)


def calibration_errors(
    votes: np.ndarray, predictions: np.ndarray, n_bins: int, bootstrap: PatientBootstrap
) -> np.ndarray:
    """Replicate the expected calibration error of each class against vote fractions.

    The mean over bins of ``|mean probability - mean vote fraction|``, weighted by windows: Naeini
    et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015. Chance
    alone opens gaps, and redrawing opens them further, so draws are moved down until their mean
    is the data's error; none falls below 0.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        n_bins: bins of equally many rows a class; fewer where a bin would have under ten.
        bootstrap: draws of the rows' patients; bins are those of the data in every draw.

    Returns:
        Replicates, shape ``(1 + draws, 6)``.
    """
    n = bootstrap.totals(np.ones((len(votes), 1)))
    errors = np.empty((len(n), votes.shape[1]))
    for at, (vote, probability) in enumerate(zip(votes.T, predictions.T, strict=True)):
        gaps = bootstrap.totals(_bins(probability, n_bins) * (probability - vote)[:, None])
        errors[:, at] = np.abs(gaps / n).sum(axis=1)
    errors[1:] -= errors[1:].mean(axis=0) - errors[0]
    return errors.clip(min=0)


def brier_scores(
    votes: np.ndarray, predictions: np.ndarray, bootstrap: PatientBootstrap
) -> np.ndarray:
    """Replicate each class' Brier score, the mean squared distance from the vote fraction.

    Their sum is the score of Brier, "Verification of forecasts expressed in terms of
    probability", 1950, 0 to 2. Where experts disagree, it is 0 only for their own fractions.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Replicates, shape ``(1 + draws, 6)``.
    """
    return bootstrap.means((predictions - votes) ** 2)


def calibration_scores(
    votes: np.ndarray, predictions: np.ndarray, n_bins: int, bootstrap: PatientBootstrap
) -> pd.DataFrame:
    """Tabulate the expected calibration error, the Brier score and the KL divergence.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        n_bins: bins of equally many rows a class; fewer where a bin would have under ten.
        bootstrap: draws of the rows' patients.

    Returns:
        Columns ``class`` (the six, then ``all``: the mean of their errors, the sum of their Brier
        scores), ``ece``, ``brier`` and ``kl`` (nats, in the row ``all`` alone), each with ``_low``
        and ``_high``.
    """
    errors = calibration_errors(votes, predictions, n_bins, bootstrap)
    squares = brier_scores(votes, predictions, bootstrap)
    divergence = bootstrap.means(kl_divergence(votes, predictions)[:, None])
    replicates = {
        "ece": np.column_stack([errors, errors.mean(axis=1)]),
        "brier": np.column_stack([squares, squares.sum(axis=1)]),
        "kl": np.column_stack([np.full_like(errors, np.nan), divergence]),
    }
    scores = {"class": (*CLASSES, "all")}
    for name, values in replicates.items():
        scores[name], scores[f"{name}_low"], scores[f"{name}_high"] = bootstrap.estimate(values)
    return pd.DataFrame(scores)
