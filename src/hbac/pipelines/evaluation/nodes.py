"""Predictions and votes to scores and their figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import evaluation
from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.plots import scores

_REQUIRED = ("eeg_id", "patient_id", "fold", "n_votes", *VOTE_COLUMNS, *PREDICTION_COLUMNS)


def check_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Keep the predictions that experts voted on.

    Args:
        predictions: ``eeg_id``, ``patient_id``, ``fold``, ``n_votes``, six vote fractions and six
            predicted probabilities.

    Returns:
        The rows with votes.

    Raises:
        ValueError: if a column is missing, no row has votes, or a prediction does not sum to 1.
    """
    missing = [name for name in _REQUIRED if name not in predictions]
    if missing:
        raise ValueError(f"the table of predictions lacks the columns {missing}")
    scored = predictions[predictions["n_votes"] > 0].reset_index(drop=True)
    if scored.empty:
        raise ValueError(f"none of {len(predictions)} predictions has votes to be scored against")
    sums = scored[list(PREDICTION_COLUMNS)].sum(axis=1)
    off = (sums - 1).abs() > 1e-3
    if off.any():
        raise ValueError(
            f"predictions must sum to 1; those of eeg_id {scored.loc[off, 'eeg_id'].iloc[0]} sum "
            f"to {sums[off].iloc[0]:.4g}, and {off.sum()} rows in all are off"
        )
    return scored


def _arrays(scored: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return scored[list(VOTE_COLUMNS)].to_numpy(), scored[list(PREDICTION_COLUMNS)].to_numpy()


def score_divergence(scored: pd.DataFrame) -> pd.DataFrame:
    """KL divergence of the model and of the baselines, over all and by number of votes.

    Returns:
        Columns ``tier``, ``model`` (model, class prior, uniform), ``kl``, ``n``.
    """
    votes, predictions = _arrays(scored)
    models = {
        "model": predictions,
        "class prior": evaluation.class_prior(votes, scored["fold"].to_numpy()),
        "uniform": evaluation.uniform(votes),
    }
    return evaluation.kl_by_tier(votes, scored["n_votes"].to_numpy(), models)


def score_classes(scored: pd.DataFrame) -> pd.DataFrame:
    """AUROC of each class against all others: columns ``class``, ``auroc``, ``n_positive``."""
    return evaluation.class_auroc(*_arrays(scored))


def count_confusions(scored: pd.DataFrame) -> pd.DataFrame:
    """Windows by consensus (rows) and by most probable class (columns)."""
    matrix = evaluation.confusion_matrix(*_arrays(scored))
    return pd.DataFrame(matrix, pd.Index(CLASS_NAMES, name="consensus"), list(CLASS_NAMES))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def summarise_metrics(
    scored: pd.DataFrame, divergence: pd.DataFrame, auroc: pd.DataFrame, confusion: pd.DataFrame
) -> dict[str, Any]:
    """Gather every score in one record; a score that does not exist is null."""
    kl = {
        tier: {row.model: _number(row.kl) for row in rows.itertuples()}
        | {"n": int(rows["n"].iloc[0])}
        for tier, rows in divergence.groupby("tier", sort=False)
    }
    return {
        "n_windows": len(scored),
        "n_patients": int(scored["patient_id"].nunique()),
        "kl": kl,
        "auroc": dict(zip(auroc["class"], map(_number, auroc["auroc"]), strict=True)),
        "confusion": confusion.to_numpy().tolist(),
    }


def plot_divergence(divergence: pd.DataFrame) -> Figure:
    """Draw the KL divergence by number of votes, beside the baselines."""
    return scores.kl_by_tier(divergence)


def plot_auroc(auroc: pd.DataFrame) -> Figure:
    """Draw the AUROC of each class."""
    names = dict(zip(CLASSES, CLASS_NAMES, strict=True))
    return scores.class_auroc(auroc.assign(**{"class": auroc["class"].map(names)}))


def plot_confusions(confusion: pd.DataFrame) -> Figure:
    """Draw the confusion matrix."""
    total = confusion.to_numpy().sum()
    return scores.confusion(
        confusion.to_numpy(),
        CLASS_NAMES,
        title=f"Consensus and prediction, n = {total:.0f} windows",
    )
