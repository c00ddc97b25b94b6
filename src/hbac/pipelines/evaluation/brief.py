"""The few scores that are told where a whole evaluation would be too much."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac import evaluation
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS


def _of_column(estimate: evaluation.Estimate, column: int = 0) -> dict[str, float | None]:
    """One score as JSON has it: what does not exist is None."""
    values = (float(each[column]) for each in estimate)
    return {
        name: None if value != value else value
        for name, value in zip(estimate._fields, values, strict=True)
    }


def score_briefly(scored: pd.DataFrame, bootstrap: evaluation.PatientBootstrap) -> dict[str, Any]:
    """Divergence, accuracy and ranking, each with its interval.

    Args:
        scored: as ``hbac.pipelines.evaluation.nodes.check_predictions`` returns them.
        bootstrap: draws of their patients.

    Returns:
        ``n_windows``, ``n_patients``, ``confidence``; ``kl``, ``top_1`` and by class ``auroc``,
        each ``value``, ``low`` and ``high``; and ``kl_of_prior``, that of the mean of all votes.
    """
    votes = scored[list(VOTE_COLUMNS)].to_numpy()
    predictions = scored[list(PREDICTION_COLUMNS)].to_numpy()
    prior = votes.mean(axis=0, keepdims=True).repeat(len(votes), axis=0)
    kl, kl_of_prior = (
        bootstrap.estimate(bootstrap.means(evaluation.kl_divergence(votes, each)[:, None]))
        for each in (predictions, prior)
    )
    ranking = evaluation.class_ranking(votes, predictions, bootstrap).set_index("class")
    aurocs = evaluation.Estimate(*(ranking[f"auroc{end}"] for end in ("", "_low", "_high")))
    return {
        "n_windows": len(scored),
        "n_patients": int(scored["patient_id"].nunique()),
        "confidence": bootstrap.confidence,
        "kl": _of_column(kl),
        "kl_of_prior": _of_column(kl_of_prior),
        "top_1": _of_column(evaluation.accuracy(votes, predictions, bootstrap)),
        "auroc": {name: _of_column(aurocs, name) for name in CLASSES},
    }
