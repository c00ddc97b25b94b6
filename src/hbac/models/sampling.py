"""Which windows an epoch of training sees, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]
"""Draws the rows of one epoch in their order, in every epoch as many."""


def one_of_each(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one member of each group, each as likely as the others of its group.

    Args:
        groups: which group each belongs to, shape ``(n,)``.
        rng: draws.

    Returns:
        Positions in ``groups``, one a group, by group.
    """
    order = np.lexsort((rng.random(len(groups)), groups))
    ordered = groups[order]
    return order[np.r_[True, ordered[1:] != ordered[:-1]]]


def balanced(shares: np.ndarray, balance: float) -> np.ndarray:
    """How often each window is to be seen so that classes are more alike.

    Args:
        shares: vote fractions, shape ``(n, 6)``.
        balance: 0 leaves windows as frequent as they are; with 1, classes that experts agree on
            are all seen as often, so that a rare one is seen many times; between them, the
            frequency of a class grows with its share to the power of ``1 - balance``.

    Returns:
        Shape ``(n,)``, of mean 1.
    """
    prior = shares.mean(axis=0)
    often = np.power(prior, -balance, where=prior > 0, out=np.zeros(len(prior)))
    times = shares @ often
    return times / times.mean()


def systematic(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many as there are, each about as often as it should be.

    Systematic sampling of a random order (Madow, Annals of Mathematical Statistics 1949): one that
    should be seen 1.3 times is seen once or twice, so that an epoch misses little.

    Args:
        times: how often each should be seen, shape ``(n,)``, of mean 1.
        rng: draws.

    Returns:
        Positions in ``times``, shape ``(n,)``, in random order.
    """
    order = rng.permutation(len(times))
    edges = np.cumsum(times[order])
    ticks = (np.arange(len(times)) + rng.random()) * (edges[-1] / len(times))
    chosen = order[np.searchsorted(edges, ticks, side="right").clip(max=len(times) - 1)]
    return rng.permutation(chosen)


@dataclass(frozen=True)
class Sampler:
    """Draws the windows of an epoch; see ``Draw``.

    Attributes:
        rows: the windows, shape ``(n,)``.
        groups: the EEG of each, shape ``(n,)``: an epoch sees one window of each, another in each
            epoch; ``None`` sees all windows.
        shares: vote fractions, shape ``(n, 6)``, by which classes are balanced; ``None`` for not.
        balance: see ``balanced``.
    """

    rows: np.ndarray
    groups: np.ndarray | None = None
    shares: np.ndarray | None = None
    balance: float = 0.0

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the rows of one epoch in their order."""
        chosen = np.arange(len(self.rows))
        if self.groups is not None:
            chosen = one_of_each(self.groups, rng)
        if self.shares is None or not self.balance:
            return self.rows[rng.permutation(chosen)]
        return self.rows[chosen[systematic(balanced(self.shares[chosen], self.balance), rng)]]
