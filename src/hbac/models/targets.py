"""What the networks are asked for: vote fractions, and how much each window counts."""

from __future__ import annotations

import numpy as np


def soften(
    fractions: np.ndarray, n_votes: np.ndarray, prior: np.ndarray, prior_votes: float
) -> np.ndarray:
    """Smooth vote fractions toward a prior, the more the fewer votes there are.

    The mean of a Dirichlet distribution whose prior counts as ``prior_votes`` votes: one vote of
    one expert says less about a window than fifteen that agree.

    Args:
        fractions: shape ``(rows, 6)``.
        n_votes: votes of one label, shape ``(rows,)``: an expert counts once.
        prior: shares of the classes among the windows trained on, shape ``(6,)``.
        prior_votes: votes that the prior counts for, 0 or more; 0 changes nothing.

    Returns:
        Shape ``(rows, 6)``, rows sum to 1 where those of ``fractions`` do.
    """
    n_votes = np.asarray(n_votes, float)[:, np.newaxis]
    return (n_votes * fractions + prior_votes * prior) / (n_votes + prior_votes)


def vote_weights(n_votes: np.ndarray, power: float = 1.0, full: int = 10) -> np.ndarray:
    """Weigh windows by their number of votes, up to a number that counts in full.

    Args:
        n_votes: votes of one label, shape ``(rows,)``, at least 1.
        power: of the share of ``full`` that a window has; with 0 all weigh alike.
        full: votes from which on a window counts in full; the competition's data have few windows
            with seven to nine votes and many with fewer or more.

    Returns:
        Shape ``(rows,)``, of mean 1, so that the learning rate keeps its meaning.
    """
    weights = (np.minimum(n_votes, full) / full) ** power
    return weights / weights.mean()
