"""Scores of predicted class probabilities against expert votes, with intervals over patients.

Names load on first use: most of what is told of labels needs no scikit-learn.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "agreement": ["COMPARISONS", "expert_agreement"],
        "baselines": ["band_power_regression", "class_prior", "uniform"],
        "bootstrap": ["Estimate", "PatientBootstrap", "resample_patients"],
        "calibration": ["calibration_scores", "reliability_curve"],
        "confusion": ["accuracy", "confusion_matrix", "expected_confusion"],
        "divergence": ["VOTE_TIERS", "in_tier", "kl_by_tier", "kl_differences", "kl_divergence"],
        "diversity": ["error_correlations"],
        "ranking": ["class_ranking", "ranking_areas"],
        "temperature": ["cross_fit_temperatures", "fit_temperature", "scale_temperature"],
        "verdict": ["unbeaten_baselines"],
    },
)
