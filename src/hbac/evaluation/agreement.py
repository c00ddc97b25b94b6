"""Agreement of the model with experts, next to that of experts with each other.

Percent agreement and agreement beyond chance of pairs and with the majority, as reported for this
continuum by Jing et al., "Interrater Reliability of Expert Electroencephalographers Identifying
Seizures and Rhythmic and Periodic Patterns in EEGs", Neurology 100, 2023, and for a model by Jing
et al., "Development of Expert-Level Classification of Seizures and Rhythmic and Periodic Patterns
During EEG Interpretation", ibid. They know who voted and average over named pairs of experts; vote
counts do not tell, so here a pair is drawn at random within a window, and windows count alike.
A model that names the likeliest class agrees with experts more often than they do with each other,
who also differ by chance: to be above the experts is possible, and no proof of being right.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.evaluation.bootstrap import PatientBootstrap, divide, hide_draws
from hbac.evaluation.consensus import consensus_shares

COMPARISONS = ("expert-expert", "model-expert", "expert-majority", "model-majority")


def _expert_pairs(counts: np.ndarray) -> np.ndarray:
    """Classes of two of a window's experts, drawn without replacement."""
    n = counts.sum(axis=1)[:, None, None]
    ordered = counts[:, :, None] * (counts[:, None, :] - np.eye(counts.shape[1]))
    return ordered / (n * (n - 1))


def _expert_and_others(counts: np.ndarray) -> np.ndarray:
    """Classes of an expert and of the majority of the window's other experts."""
    others = counts[:, None, :] - np.eye(counts.shape[1])
    fractions = counts / counts.sum(axis=1, keepdims=True)
    return fractions[:, :, None] * consensus_shares(others)


def joint_classes(counts: np.ndarray, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """Joint distribution of two raters' classes in each window.

    With ``c[k]`` of a window's ``n`` experts voting for class ``k``, and the model's class the
    most probable one:

    - expert-expert: ``c[k] (c[l] - [k = l]) / (n (n - 1))``, two experts of the window;
    - model-expert: an expert and the model, ``c[k] / n`` where the model says ``l``;
    - expert-majority: an expert and the class with most votes among the other ``n - 1``, so that
      no expert is compared with a majority that they made;
    - model-majority: the class with most votes of all ``n``, and the model.

    Classes that tie for most votes share a majority equally.

    Args:
        counts: votes, at least 2 a window, shape ``(rows, 6)``.
        predictions: probabilities, shape ``(rows, 6)``.

    Returns:
        By comparison, shape ``(rows, 6, 6)``, each row's sum 1. The first class is the reference:
        of an expert, of the majority in model-majority.
    """
    said = np.eye(counts.shape[1])[predictions.argmax(axis=1)][:, None, :]
    fractions = counts / counts.sum(axis=1, keepdims=True)
    return {
        "expert-expert": _expert_pairs(counts),
        "model-expert": fractions[:, :, None] * said,
        "expert-majority": _expert_and_others(counts),
        "model-majority": consensus_shares(counts)[:, :, None] * said,
    }


def agreement_of(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percent agreement and Cohen's kappa of two raters, over all classes and for each.

    With ``p[k, l]`` the share of windows that the first rater calls ``k`` and the second ``l``,
    ``a[k]`` and ``b[l]`` its marginal sums:

    - all classes: agreement ``A = sum p[k, k]``, chance ``E = sum a[k] b[k]``;
    - class ``k``: agreement ``A = p[k, k] / a[k]``, the chance that the second rater says ``k``
      where the first does. Kappa is that of ``k`` against the rest, of which the agreement is
      ``1 - a[k] - b[k] + 2 p[k, k]`` and the chance ``a[k] b[k] + (1 - a[k]) (1 - b[k])``, so
      that a rater who says ``k`` too often gains nothing;
    - kappa is ``(A - E) / (1 - E)``: Cohen 1960; between exchangeable experts that of Fleiss 1971.

    Args:
        joint: ``p``, shape ``(..., 6, 6)``.

    Returns:
        Agreement and kappa, each of shape ``(..., 7)``: all classes, then the six. NaN where
        the first rater never says the class, or chance alone gives full agreement.
    """
    first, second = joint.sum(axis=-1), joint.sum(axis=-2)
    same = np.diagonal(joint, axis1=-2, axis2=-1)
    rest = 1 - first - second + 2 * same
    chance = first * second + (1 - first) * (1 - second)
    total = same.sum(axis=-1, keepdims=True)
    by_chance = (first * second).sum(axis=-1, keepdims=True)
    agreement = np.concatenate([total, divide(same, first)], axis=-1)
    kappa = [divide(total - by_chance, 1 - by_chance), divide(rest - chance, 1 - chance)]
    return agreement, np.concatenate(kappa, axis=-1)


def _replicate(
    joint: np.ndarray, inside: np.ndarray, bootstrap: PatientBootstrap
) -> tuple[np.ndarray, np.ndarray]:
    """Agreement and kappa in every draw, without the draws of classes that one patient has."""
    every = np.zeros((len(inside), *joint.shape[1:]))
    every[inside] = joint
    means = bootstrap.means(every.reshape(len(inside), -1), inside)
    few = np.append(False, bootstrap.n_patients(every.sum(axis=2)) < 2)
    agreement, kappa = agreement_of(means.reshape(-1, *joint.shape[1:]))
    return hide_draws(agreement, few), hide_draws(kappa, few)


def expert_agreement(
    counts: np.ndarray, predictions: np.ndarray, bootstrap: PatientBootstrap
) -> pd.DataFrame:
    """Agreement of experts and model, in pairs and with the majority.

    All comparisons are made on the windows with two votes or more, so that they can be compared.

    Args:
        counts: votes of one label a window, shape ``(rows, 6)``; summed over overlapping labels,
            an expert would be paired with themselves. See ``hbac.eeg.votes.label_counts``.
        predictions: probabilities, shape ``(rows, 6)``.
        bootstrap: draws of the rows' patients.

    Returns:
        Columns ``comparison`` (``COMPARISONS``; see ``joint_classes``), ``class`` (``all``, then
        the six), ``agreement`` (0 to 1) and ``kappa``, each with ``_low`` and ``_high``, and ``n``
        (windows with two votes or more). NaN where not defined; see ``agreement_of``.
    """
    inside = counts.sum(axis=1) >= 2
    tables = []
    for comparison, joint in joint_classes(counts[inside], predictions[inside]).items():
        scores = {"comparison": comparison, "class": ("all", *CLASSES)}
        replicates = _replicate(joint, inside, bootstrap)
        for name, values in zip(("agreement", "kappa"), replicates, strict=True):
            scores[name], scores[f"{name}_low"], scores[f"{name}_high"] = bootstrap.estimate(values)
        tables.append(pd.DataFrame(scores).assign(n=int(inside.sum())))
    return pd.concat(tables, ignore_index=True)
