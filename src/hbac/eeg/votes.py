"""Expert votes over the six classes of the ictal-interictal-injury continuum (IIIC)."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("seizure", "lpd", "gpd", "lrda", "grda", "other")
"""The six classes, in the order of the vote columns."""

CLASS_NAMES = ("Seizure", "LPD", "GPD", "LRDA", "GRDA", "Other")
"""The classes as clinicians and the column ``expert_consensus`` write them."""

VOTE_COLUMNS = tuple(f"{name}_vote" for name in CLASSES)
VOTE_COUNT_COLUMNS = tuple(f"{name}_vote_count" for name in CLASSES)
PREDICTION_COLUMNS = tuple(f"{name}_pred" for name in CLASSES)
BAND_POWER_COLUMNS = tuple(f"{name}_band_power" for name in CLASSES)

_ROUNDING = 0.01


def vote_fractions(votes: np.ndarray) -> np.ndarray:
    """Divide vote counts by their sum.

    Args:
        votes: counts, shape ``(..., 6)``.

    Returns:
        Fractions that sum to 1 along the last axis, same shape.

    Raises:
        ValueError: if a row has a negative count or no vote at all; the message names the row.
    """
    votes = np.asarray(votes, dtype=float)
    totals = votes.sum(axis=-1, keepdims=True)
    bad = np.argwhere((totals[..., 0] <= 0) | (votes < 0).any(axis=-1) | np.isnan(totals[..., 0]))
    if len(bad):
        row = tuple(bad[0])
        raise ValueError(
            f"votes must be at least 0 and sum to more than 0; row {bad[0].tolist()} holds "
            f"{votes[row].tolist()}, and {len(bad)} rows in all are like it"
        )
    return votes / totals


def vote_entropy(fractions: np.ndarray) -> np.ndarray:
    """Shannon entropy of vote fractions in bits, shape ``(..., 6)`` to ``(...)``.

    0 where all experts agree, ``log2(6)`` where they are spread evenly.
    """
    fractions = np.asarray(fractions, dtype=float)
    logs = np.log2(fractions, out=np.zeros_like(fractions), where=fractions > 0)
    return -(fractions * logs).sum(axis=-1)


def label_counts(windows: pd.DataFrame) -> np.ndarray:
    """Votes of the one label that a window's ``n_votes`` speaks of.

    Votes of overlapping labels are votes of the same experts, who count once.

    Args:
        windows: ``seizure_vote_count`` ... ``other_vote_count``; or else ``n_votes`` and the
            fractions ``seizure_vote`` ... ``other_vote``, which times ``n_votes`` are whole
            numbers where they are those of one label.

    Returns:
        Whole numbers, shape ``(rows, 6)``; NaN where they are not known.
    """
    if set(VOTE_COUNT_COLUMNS) <= set(windows):
        return windows[list(VOTE_COUNT_COLUMNS)].to_numpy(float)
    products = windows[list(VOTE_COLUMNS)].mul(windows["n_votes"], axis=0).to_numpy(float)
    counts = np.rint(products)
    whole = (np.abs(products - counts) < _ROUNDING).all(axis=1, keepdims=True)
    return np.where(whole, counts, np.nan)
