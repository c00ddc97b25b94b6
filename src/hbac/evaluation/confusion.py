"""Which classes a model takes for which."""

from __future__ import annotations

import numpy as np

from hbac.evaluation.bootstrap import Estimate, PatientBootstrap
from hbac.evaluation.consensus import consensus_shares


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
    predicted = np.eye(votes.shape[1])[predictions.argmax(axis=1)]
    return consensus_shares(votes).T @ predicted


def accuracy(votes: np.ndarray, predictions: np.ndarray, bootstrap: PatientBootstrap) -> Estimate:
    """Share of the windows whose most probable class is the consensus (top-1 accuracy).

    Args:
        votes: vote fractions, shape ``(rows, 6)``; a window on which several classes share most
            votes counts in parts.
        predictions: probabilities, shape ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Arrays of shape ``(1,)``.
    """
    predicted = predictions.argmax(axis=1)
    right = consensus_shares(votes)[np.arange(len(votes)), predicted]
    return bootstrap.estimate(bootstrap.means(right[:, None]))


def expected_confusion(votes: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Count windows by an expert and by the model, both drawn at random.

    The expert's class is drawn from the votes and the model's from its probabilities, so neither
    doubt is rounded away: ``votes.T @ predictions``.

    Args:
        votes: vote fractions, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        Shape ``(6 voted, 6 predicted)``, which sums to the number of windows.
    """
    return votes.T @ predictions
