"""How predicted classes agree with the experts' consensus."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from hbac.eeg.votes import CLASSES


def confusion_matrix(votes: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Count windows by consensus and by most probable class.

    A window on which several classes share most votes counts in parts, so that rows sum to the
    number of windows.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        Shape ``(6 consensus, 6 predicted)``.
    """
    leading = votes == votes.max(axis=1, keepdims=True)
    shares = leading / leading.sum(axis=1, keepdims=True)
    predicted = np.eye(votes.shape[1])[predictions.argmax(axis=1)]
    return shares.T @ predicted


def class_auroc(votes: np.ndarray, predictions: np.ndarray) -> pd.DataFrame:
    """Area under the receiver operating characteristic of each class against all others.

    A window is positive for the class with most votes, for several where they tie.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        Columns ``class``, ``auroc`` (NaN where all windows or none are positive) and
        ``n_positive``.
    """
    leading = votes == votes.max(axis=1, keepdims=True)
    rows = []
    for name, positive, probability in zip(CLASSES, leading.T, predictions.T, strict=True):
        both = 0 < positive.sum() < len(positive)
        auroc = roc_auc_score(positive, probability) if both else np.nan
        rows.append({"class": name, "auroc": auroc, "n_positive": int(positive.sum())})
    return pd.DataFrame(rows)
