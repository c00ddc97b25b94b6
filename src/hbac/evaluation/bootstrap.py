"""Intervals of scores where windows of one patient resemble each other: patients are redrawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy

_TINY = 1e-12


class Estimate(NamedTuple):
    """Scores with the ends of their intervals, three arrays of one shape.

    An end is NaN where the data cannot give one.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, with NaN where the denominator is 0 or NaN."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    empty = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=empty, where=np.abs(denominator) > _TINY)


@dataclass(frozen=True)
class PatientBootstrap:
    """Draws of patients with replacement, each patient with all their windows.

    The cluster bootstrap: Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
    section 3.8. Scores computed on it come as **replicates**, an array whose first entry is the
    score of the data and whose others are those of the draws.

    Attributes:
        patients: index of each row's patient, shape ``(rows,)``.
        counts: how often each draw holds each patient, shape ``(1 + draws, patients)``; the first
            row is the data, every patient once.
        confidence: share of draws inside an interval, between 0 and 1.
    """

    patients: np.ndarray
    counts: np.ndarray
    confidence: float

    @cached_property
    def _membership(self) -> scipy.sparse.csr_array:
        rows = np.arange(len(self.patients))
        shape = (self.counts.shape[1], len(rows))
        return scipy.sparse.csr_array((np.ones(len(rows)), (self.patients, rows)), shape=shape)

    def n_patients(self, values: np.ndarray) -> np.ndarray:
        """Count the patients with a value other than 0, by column of ``(rows, columns)``."""
        return (self._membership @ (np.asarray(values) != 0).astype(float) > 0).sum(axis=0)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sum each column over the rows of each draw.

        Args:
            values: shape ``(rows, columns)``.

        Returns:
            Replicates, shape ``(1 + draws, columns)``.
        """
        return self.counts @ (self._membership @ np.asarray(values, float))

    def ratios(self, numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
        """Divide sums by sums, a column each.

        Args:
            numerators: shape ``(rows, columns)``.
            denominators: not negative, shape ``(rows, columns)`` or ``(rows, 1)``.

        Returns:
            Replicates, shape ``(1 + draws, columns)``; NaN where the denominators sum to 0, and
            in all draws where those of fewer than two patients are above 0.
        """
        replicates = divide(self.totals(numerators), self.totals(denominators))
        few = np.broadcast_to(self.n_patients(denominators) < 2, replicates.shape[1:])
        return hide_draws(replicates, few)

    def means(self, values: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
        """Average each column over some rows.

        Args:
            values: shape ``(rows, columns)``.
            inside: which rows, booleans of shape ``(rows,)``; all where None.

        Returns:
            Replicates, shape ``(1 + draws, columns)``; NaN as in ``ratios``.
        """
        inside = np.ones(len(values), bool) if inside is None else inside
        weights = np.asarray(inside, float)[:, None]
        return self.ratios(values * weights, weights)

    def estimate(self, replicates: np.ndarray) -> Estimate:
        """Take the data's score and the percentile interval of the draws'.

        Draws in which a score does not exist are left out.

        Args:
            replicates: shape ``(1 + draws, columns)``.

        Returns:
            Arrays of shape ``(columns,)``; an interval is NaN where no draw has the score or all
            rows are of one patient, who says nothing of others.
        """
        value, draws = replicates[0], replicates[1:]
        low, high = np.full((2, *value.shape), np.nan)
        known = ~np.isnan(draws).all(axis=0) & ~np.isnan(value) & (self.counts.shape[1] > 1)
        tail = (1 - self.confidence) / 2
        if known.any():
            ends = np.nanquantile(draws[:, known], [tail, 1 - tail], axis=0)
            low[known], high[known] = ends
        return Estimate(value, low, high)


def hide_draws(replicates: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Set the draws of some columns to NaN and keep the data's own score.

    Meant for scores that rest on one patient: they hardly change from draw to draw, and their
    interval would look far too sure.

    Args:
        replicates: shape ``(1 + draws, columns)``.
        columns: booleans, shape ``(columns,)``.
    """
    is_draw = np.arange(len(replicates))[:, None] > 0
    return np.where(is_draw & columns, np.nan, replicates)


def resample_patients(
    patient_ids: np.ndarray, *, draws: int = 1000, confidence: float = 0.95, seed: int
) -> PatientBootstrap:
    """Draw as many patients as there are, with replacement, many times.

    Args:
        patient_ids: the patient of each row, shape ``(rows,)``.
        draws: number of draws.
        confidence: share of draws inside an interval, between 0 and 1.
        seed: of the draws.

    Raises:
        ValueError: if there is no row, no draw, or the confidence is not between 0 and 1.
    """
    if len(patient_ids) == 0 or draws < 1 or not 0 < confidence < 1:
        raise ValueError(
            "rows and draws must be at least 1 and confidence between 0 and 1, received "
            f"{len(patient_ids)} rows, {draws} draws and confidence {confidence}"
        )
    names, patients = np.unique(patient_ids, return_inverse=True)
    n = len(names)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    return PatientBootstrap(patients, np.vstack([np.ones(n), drawn]), confidence)
