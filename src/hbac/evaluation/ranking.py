"""How well probabilities rank windows: areas under the ROC and the precision-recall curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from hbac.eeg.votes import CLASSES
from hbac.evaluation.bootstrap import Estimate, PatientBootstrap, divide, hide_draws
from hbac.evaluation.consensus import leading_classes

_CELLS = 1 << 20
_SIDES = ("left", "right")


class _Ranks:
    """Rows in falling order of probability, and where each positive's ties begin and end."""

    def __init__(self, positive: np.ndarray, probability: np.ndarray) -> None:
        self.rows = np.argsort(-probability, kind="stable")
        self.positives = self.rows[positive[self.rows]]
        falling, of_positives = -probability[self.rows], -probability[self.positives]
        self.start, self.end = (np.searchsorted(falling, of_positives, s) for s in _SIDES)
        self.start_positive, self.end_positive = (
            np.searchsorted(of_positives, of_positives, side) for side in _SIDES
        )


def _cumulative(weights: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... columns."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _areas(ranks: _Ranks, patients: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """AUROC and AUPRC of some draws, shape ``(draws, 2)``."""
    above = _cumulative(counts.take(patients[ranks.rows], axis=1))
    weights = counts.take(patients[ranks.positives], axis=1)
    hits = _cumulative(weights)
    n_positive, n_negative = hits[:, -1], above[:, -1] - hits[:, -1]
    all_end, hits_end = above.take(ranks.end, axis=1), hits.take(ranks.end_positive, axis=1)
    negatives = all_end - hits_end + above.take(ranks.start, axis=1)
    negatives -= hits.take(ranks.start_positive, axis=1)
    beaten = (weights * (n_negative[:, None] - negatives / 2)).sum(axis=1)
    precision = np.divide(hits_end, all_end, out=np.zeros_like(all_end), where=all_end > 0)
    auroc = divide(beaten, n_positive * n_negative)
    return np.stack([auroc, divide((weights * precision).sum(axis=1), n_positive)], axis=1)


def ranking_areas(
    positive: np.ndarray, probability: np.ndarray, bootstrap: PatientBootstrap
) -> Estimate:
    """Areas under the ROC and the precision-recall curve, tied probabilities counting half.

    The AUROC is the chance that a positive window has a higher probability than a negative one;
    the AUPRC is the average precision, the mean over positives of the precision at their
    probability. Rows are sorted once; a draw's weights are then summed along that order.

    Args:
        positive: booleans, shape ``(rows,)``.
        probability: shape ``(rows,)``.
        bootstrap: draws of the rows' patients.

    Returns:
        AUROC and AUPRC, arrays of shape ``(2,)``. A value is NaN without a positive row, the AUROC
        also without a negative one; an interval is NaN unless two patients have each.
    """
    ranks = _Ranks(positive, probability)
    step = max(1, _CELLS // len(positive))
    chunks = [bootstrap.counts[at : at + step] for at in range(0, len(bootstrap.counts), step)]
    parts = Parallel(n_jobs=-1, prefer="threads")(
        delayed(_areas)(ranks, bootstrap.patients, chunk) for chunk in chunks
    )
    both = np.stack([positive, ~positive], axis=1)
    few = np.repeat((bootstrap.n_patients(both) < 2).any(), 2)
    return bootstrap.estimate(hide_draws(np.concatenate(parts), few))


def class_ranking(
    votes: np.ndarray, predictions: np.ndarray, bootstrap: PatientBootstrap
) -> pd.DataFrame:
    """Rank windows by each class' probability, the class against all others.

    A window is positive for the class with most votes, for several where they tie.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Columns ``class``, ``auroc`` and ``auprc``, each with ``_low`` and ``_high``,
        ``prevalence`` (share of positive windows, the AUPRC of a ranking by chance),
        ``n_positive`` (windows) and ``n_positive_patients``. NaN as in ``ranking_areas``.
    """
    leading = leading_classes(votes)
    rows = []
    for name, positive, probability in zip(CLASSES, leading.T, predictions.T, strict=True):
        value, low, high = ranking_areas(positive, probability, bootstrap)
        row = {"class": name}
        for at, area in enumerate(("auroc", "auprc")):
            row |= {area: value[at], f"{area}_low": low[at], f"{area}_high": high[at]}
        rows.append(row)
    return pd.DataFrame(rows).assign(
        prevalence=leading.mean(axis=0),
        n_positive=leading.sum(axis=0),
        n_positive_patients=bootstrap.n_patients(leading),
    )
