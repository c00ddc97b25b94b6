"""How alike several predictors err: what errs alike gains little by being joined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def error_correlations(votes: np.ndarray, predictions: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Correlate what predictors are off by, over all windows and classes.

    The error is the prediction minus the vote fraction. Few experts vote on a window, so that their
    fractions are off from what many would say, which all predictors' errors share: correlations
    tell predictors from each other, and are no measure of their own.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: by name, probabilities of shape ``(rows, 6)``.

    Returns:
        A square table, named on both sides; NaN where a predictor makes no errors that differ.
    """
    errors = np.stack([(shares - votes).ravel() for shares in predictions.values()])
    centred = errors - errors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    scale = np.outer(lengths, lengths)
    product = centred @ centred.T
    correlation = np.divide(product, scale, out=np.full_like(scale, np.nan), where=scale > 0)
    return pd.DataFrame(correlation, list(predictions), list(predictions))
