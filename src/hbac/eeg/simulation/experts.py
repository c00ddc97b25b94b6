"""Experts who look at the same window and do not always see the same."""

from __future__ import annotations

import numpy as np

from hbac.eeg.votes import CLASSES

PANEL_SIZES = ((1, 2), (3, 9), (10, 20))
"""Fewest and most experts of a panel, in each tier of reliability."""

CONFUSION = np.array(
    [
        [0.20, 0.30, 0.10, 0.12, 0.05, 0.23],
        [0.12, 0.42, 0.14, 0.10, 0.02, 0.20],
        [0.08, 0.14, 0.45, 0.02, 0.15, 0.16],
        [0.10, 0.14, 0.02, 0.24, 0.20, 0.30],
        [0.05, 0.02, 0.12, 0.17, 0.34, 0.30],
        [0.12, 0.14, 0.10, 0.20, 0.22, 0.22],
    ]
)
"""What experts call a thoroughly ambiguous pattern: true class in rows, called class in columns.

Neighbours on the ictal-interictal-injury continuum and the lateralised and generalised form of a
pattern are mistaken for each other most, seizures and LRDA are missed more often than LPDs and
GPDs, and ``other`` is called too often (Jing et al., "Interrater Reliability of Expert
Electroencephalographers Identifying Seizures and Rhythmic and Periodic Patterns in EEGs",
Neurology 100, 2023: sensitivity 52 % for seizures, 68 % LPDs, 67 % GPDs, 54 % LRDA, 61 % GRDA, 50 %
other). The numbers are stylised to that order, not theirs.
"""

_LAPSE = 0.1


def opinion(shares: np.ndarray, *, ambiguity: float) -> np.ndarray:
    """Probability with which an expert calls a window each class.

    Args:
        shares: share of the window's central 10 s that looks like each class, shape ``(6,)``; see
            ``hbac.eeg.simulation.resemblance``.
        ambiguity: 0 (textbook example) to 1 (thoroughly ambiguous).

    Returns:
        Probabilities that sum to 1, shape ``(6,)``; ``shares`` themselves without ambiguity.
    """
    classes = len(CLASSES)
    called = (1 - ambiguity) * np.eye(classes) + ambiguity * CONFUSION
    lapse = _LAPSE * ambiguity
    return (1 - lapse) * (shares @ called) + lapse / classes


def draw_panel(rng: np.random.Generator, *, tier: int) -> np.ndarray:
    """Draw a panel: each expert's leaning, a number from 0 to 1 that stays with them.

    Args:
        rng: source of randomness.
        tier: index into ``PANEL_SIZES``.

    Returns:
        Shape ``(experts,)``.
    """
    fewest, most = PANEL_SIZES[tier]
    return rng.random(rng.integers(fewest, most + 1))


def cast_votes(panel: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count the votes of a panel.

    Each expert votes for the class in whose part of the unit interval their leaning falls. Votes on
    overlapping windows of a recording thus stay alike until what is seen changes.

    Args:
        panel: leanings, shape ``(experts,)``.
        probabilities: of each class, shape ``(6,)``.

    Returns:
        Counts that sum to the number of experts, shape ``(6,)``, int64.
    """
    limits = np.cumsum(probabilities)[:-1]
    return np.bincount(np.searchsorted(limits, panel), minlength=len(CLASSES))
