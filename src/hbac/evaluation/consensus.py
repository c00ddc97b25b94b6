"""The class that most experts vote for."""

from __future__ import annotations

import numpy as np


def leading_classes(votes: np.ndarray) -> np.ndarray:
    """Say which classes have most votes: one a window, several where they tie.

    Args:
        votes: vote fractions or counts, shape ``(..., 6)``.

    Returns:
        Booleans of the same shape.
    """
    return votes == votes.max(axis=-1, keepdims=True)


def consensus_shares(votes: np.ndarray) -> np.ndarray:
    """Give the class with most votes weight 1, and classes that tie equal parts of it.

    Args:
        votes: vote fractions or counts, shape ``(..., 6)``.

    Returns:
        Weights of the same shape that sum to 1 along the last axis.
    """
    leading = leading_classes(votes)
    return leading / leading.sum(axis=-1, keepdims=True)
