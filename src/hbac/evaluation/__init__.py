"""Scores of predicted class probabilities against expert votes."""

from hbac.evaluation.agreement import class_auroc, confusion_matrix
from hbac.evaluation.baselines import class_prior, uniform
from hbac.evaluation.divergence import VOTE_TIERS, kl_by_tier, kl_divergence

__all__ = [
    "VOTE_TIERS",
    "class_auroc",
    "class_prior",
    "confusion_matrix",
    "kl_by_tier",
    "kl_divergence",
    "uniform",
]
