"""Whether a probability of 0.3 means that three in ten experts say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.evaluation.bootstrap import Estimate, PatientBootstrap
from hbac.evaluation.divergence import kl_divergence

_LEAST_ROWS = 10
"""Rows a bin: the fewer, the more a gap between means is chance."""

_MEAN_OF_HALF_NORMAL = np.sqrt(2 / np.pi)
"""Mean distance from 0 of a normal variable of standard deviation 1."""


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


@dataclass(frozen=True)
class CalibrationErrors:
    """The expected calibration error of some classes, and what chance has to do with it.

    Attributes:
        estimate: the error without what chance opened, with an interval.
        uncorrected: the error as it is usually given, the mean gap of the bins.
        chance: the mean gap that a perfectly calibrated model would have here.
    """

    estimate: Estimate
    uncorrected: np.ndarray
    chance: np.ndarray


def _without_chance(gaps: np.ndarray, variances: np.ndarray) -> float:
    """Shrink the sum of gaps as their squares shrink without the squares that chance adds.

    Below 0 where the gaps are smaller than chance makes them, so that means over classes stay
    unbiased.
    """
    squares = float((gaps**2).sum())
    left = 1 - variances.sum() / squares if squares else 0.0
    return float(np.abs(gaps).sum() * np.sign(left) * np.sqrt(abs(left)))


def _with_mean(values: np.ndarray) -> np.ndarray:
    return np.append(values, values.mean(axis=-1, keepdims=True), axis=-1)


def calibration_errors(
    votes: np.ndarray, predictions: np.ndarray, n_bins: int, bootstrap: PatientBootstrap
) -> CalibrationErrors:
    """Estimate the expected calibration error of each class against vote fractions.

    The error is the mean over bins of ``|mean probability - mean vote fraction|``, weighted by
    windows (Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015). A few votes a window open gaps by chance, at perfect calibration too. How wide tells
    the variance of each gap over draws of patients: squared gaps exceed the true ones by it
    (Ferro and Fricker, "A bias-corrected decomposition of the Brier score", 2012; Kumar et al.,
    "Verified Uncertainty Calibration", NeurIPS 2019), and the estimate is shrunk as their root.

    Chance widens small gaps fully and large ones not at all, and nothing tells which gaps are
    which. So the lower end of the interval is the draws' after all has been taken off that chance
    gives a calibrated model, the upper end the draws' without; none is below 0.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        n_bins: bins of equally many rows a class; fewer where a bin would have under ten.
        bootstrap: draws of the rows' patients; bins are those of the data in every draw.

    Returns:
        Arrays of shape ``(7,)``: the classes, and their mean. One patient says nothing of chance:
        the estimate then is the uncorrected error.
    """
    n = bootstrap.totals(np.ones((len(votes), 1)))
    n_patients = bootstrap.counts.shape[1]
    shrunk, chance = np.empty((2, votes.shape[1]))
    sums = np.empty((len(n), votes.shape[1]))
    for at, (vote, probability) in enumerate(zip(votes.T, predictions.T, strict=True)):
        gaps = bootstrap.totals(_bins(probability, n_bins) * (probability - vote)[:, None]) / n
        # Draws of few patients vary less than patients do.
        variances = gaps[1:].var(axis=0) * n_patients / max(n_patients - 1, 1)
        sums[:, at] = np.abs(gaps).sum(axis=1)
        shrunk[at] = _without_chance(gaps[0], variances)
        chance[at] = _MEAN_OF_HALF_NORMAL * np.sqrt(variances).sum()
    # Redrawing opens gaps further.
    sums[1:] -= sums[1:].mean(axis=0) - sums[0]
    sums, chance = _with_mean(sums), _with_mean(chance if n_patients > 1 else chance * np.nan)
    value = np.minimum(_with_mean(shrunk).clip(0), sums[0])
    _, low, high = bootstrap.estimate(sums)
    ends = np.minimum((low - chance).clip(0), value), high
    return CalibrationErrors(Estimate(value, *ends), sums[0], chance)


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
        scores), ``ece`` (without what chance gives), ``brier`` and ``kl`` (nats, in the row
        ``all`` alone), each with ``_low`` and ``_high``; ``ece_uncorrected``, the mean gap of the
        bins, and ``ece_chance``, what that would be at perfect calibration.
    """
    errors = calibration_errors(votes, predictions, n_bins, bootstrap)
    squares = brier_scores(votes, predictions, bootstrap)
    divergence = bootstrap.means(kl_divergence(votes, predictions)[:, None])
    brier = np.column_stack([squares, squares.sum(axis=1)])
    kl = np.column_stack([np.full_like(squares, np.nan), divergence])
    estimates = {
        "ece": errors.estimate,
        "brier": bootstrap.estimate(brier),
        "kl": bootstrap.estimate(kl),
    }
    scores = {"class": (*CLASSES, "all")}
    for name, estimate in estimates.items():
        scores[name], scores[f"{name}_low"], scores[f"{name}_high"] = estimate
    chance = {"ece_uncorrected": errors.uncorrected, "ece_chance": errors.chance}
    return pd.DataFrame(scores | chance)
