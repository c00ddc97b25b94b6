"""Scores of predicted class probabilities against expert votes, with intervals over patients."""

from hbac.evaluation.agreement import COMPARISONS, expert_agreement
from hbac.evaluation.baselines import band_power_regression, class_prior, uniform
from hbac.evaluation.bootstrap import Estimate, PatientBootstrap, resample_patients
from hbac.evaluation.calibration import calibration_scores, reliability_curve
from hbac.evaluation.confusion import confusion_matrix, expected_confusion
from hbac.evaluation.divergence import VOTE_TIERS, kl_by_tier, kl_differences, kl_divergence
from hbac.evaluation.ranking import class_ranking, ranking_areas
from hbac.evaluation.temperature import (
    cross_fit_temperatures,
    fit_temperature,
    scale_temperature,
)
from hbac.evaluation.verdict import unbeaten_baselines

__all__ = [
    "COMPARISONS",
    "VOTE_TIERS",
    "Estimate",
    "PatientBootstrap",
    "band_power_regression",
    "calibration_scores",
    "class_prior",
    "class_ranking",
    "confusion_matrix",
    "cross_fit_temperatures",
    "expected_confusion",
    "expert_agreement",
    "fit_temperature",
    "kl_by_tier",
    "kl_differences",
    "kl_divergence",
    "ranking_areas",
    "reliability_curve",
    "resample_patients",
    "scale_temperature",
    "unbeaten_baselines",
    "uniform",
]
