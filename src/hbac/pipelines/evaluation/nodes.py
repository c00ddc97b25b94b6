"""Predictions and votes to scores with intervals, and their figures."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import evaluation
from hbac.eeg.votes import (
    BAND_POWER_COLUMNS,
    CLASS_NAMES,
    CLASSES,
    PREDICTION_COLUMNS,
    VOTE_COLUMNS,
    VOTE_COUNT_COLUMNS,
    label_counts,
)
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.plots import scores

logger = logging.getLogger(__name__)

AS_PREDICTED, SCALED = "as predicted", "temperature scaled"

_REQUIRED = ("eeg_id", "patient_id", "fold", "n_votes", *VOTE_COLUMNS, *PREDICTION_COLUMNS)
_NAMES = dict(zip(CLASSES, CLASS_NAMES, strict=True)) | {"all": "All"}


def _check_sums(scored: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    sums = scored[list(columns)].sum(axis=1, skipna=False)
    off = ~((sums - 1).abs() <= 1e-3)
    if off.any():
        raise ValueError(
            f"{what} must sum to 1; those of eeg_id {scored.loc[off, 'eeg_id'].iloc[0]} sum "
            f"to {sums[off].iloc[0]:.4g}, and {off.sum()} rows in all are off"
        )


def check_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Keep the predictions that experts voted on.

    Args:
        predictions: ``eeg_id``, ``patient_id``, ``fold``, ``n_votes``, six vote fractions and six
            predicted probabilities; where they are known, also the six counts of one label's
            votes (see ``hbac.eeg.votes.label_counts``) and the six probabilities
            ``BAND_POWER_COLUMNS`` of a regression on band power, for comparison.

    Returns:
        The rows with votes.

    Raises:
        ValueError: if a column is missing, no row has votes, or a prediction does not sum to 1.
    """
    compared = any(name in predictions for name in BAND_POWER_COLUMNS)
    required = (*_REQUIRED, *BAND_POWER_COLUMNS) if compared else _REQUIRED
    missing = [name for name in required if name not in predictions]
    if missing:
        raise ValueError(f"the table of predictions lacks the columns {missing}")
    if predictions.empty:
        raise ValueError(
            "the table of predictions has no row to score; where no EEG could be read, the table "
            "eeg_spectrogram_failures says why"
        )
    scored = predictions[predictions["n_votes"] > 0].reset_index(drop=True)
    if scored.empty:
        raise ValueError(f"none of {len(predictions)} predictions has votes to be scored against")
    _check_sums(scored, PREDICTION_COLUMNS, "predictions")
    if compared:
        _check_sums(scored, BAND_POWER_COLUMNS, "predictions from band power")
    return scored


def resample_patients(
    scored: pd.DataFrame, params: EvaluationParams
) -> evaluation.PatientBootstrap:
    """Draw patients once, so that all scores have their intervals from the same draws."""
    return evaluation.resample_patients(
        scored["patient_id"].to_numpy(),
        draws=params.draws,
        confidence=params.confidence,
        seed=params.seed,
    )


def _arrays(scored: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return scored[list(VOTE_COLUMNS)].to_numpy(), scored[list(PREDICTION_COLUMNS)].to_numpy()


def _models(scored: pd.DataFrame) -> dict[str, np.ndarray]:
    """By name, the probabilities of the model and then of the baselines."""
    votes, predictions = _arrays(scored)
    models = {"model": predictions}
    if BAND_POWER_COLUMNS[0] in scored:
        models["band power"] = scored[list(BAND_POWER_COLUMNS)].to_numpy()
    models["class prior"] = evaluation.class_prior(votes, scored["fold"].to_numpy())
    models["uniform"] = evaluation.uniform(votes)
    return models


def score_divergence(scored: pd.DataFrame, bootstrap: evaluation.PatientBootstrap) -> pd.DataFrame:
    """KL divergence of the model and of the baselines; see ``evaluation.kl_by_tier``."""
    votes, _ = _arrays(scored)
    return evaluation.kl_by_tier(votes, scored["n_votes"].to_numpy(), _models(scored), bootstrap)


def compare_baselines(scored: pd.DataFrame, bootstrap: evaluation.PatientBootstrap) -> pd.DataFrame:
    """KL divergence of the model minus each baseline's; see ``evaluation.kl_differences``."""
    votes, _ = _arrays(scored)
    n_votes = scored["n_votes"].to_numpy()
    return evaluation.kl_differences(votes, n_votes, _models(scored), bootstrap)


def warn_of_baselines(differences: pd.DataFrame, params: EvaluationParams) -> list[str]:
    """Say, and log, which baselines the model is not shown to beat: a sentence each."""
    warnings = evaluation.unbeaten_baselines(differences, params.confidence)
    for warning in warnings:
        logger.warning(warning)
    return warnings


def score_ranking(scored: pd.DataFrame, bootstrap: evaluation.PatientBootstrap) -> pd.DataFrame:
    """AUROC and AUPRC of each class; see ``evaluation.class_ranking``."""
    return evaluation.class_ranking(*_arrays(scored), bootstrap)


def score_agreement(scored: pd.DataFrame, bootstrap: evaluation.PatientBootstrap) -> pd.DataFrame:
    """Agreement of experts and model; see ``evaluation.expert_agreement``.

    Windows whose votes of one label are not known (``hbac.eeg.votes.label_counts``) are left out.
    """
    _, predictions = _arrays(scored)
    counts = label_counts(scored)
    unknown = np.isnan(counts).any(axis=1)
    if unknown.any():
        logger.warning(
            "%d of %d windows are left out of expert agreement, such as eeg_id %s: their vote "
            "fractions times n_votes are not whole numbers. Add the votes of one label a window, "
            "as columns %s ... %s",
            *(unknown.sum(), len(scored), scored["eeg_id"][unknown.argmax()]),
            *(VOTE_COUNT_COLUMNS[0], VOTE_COUNT_COLUMNS[-1]),
        )
    return evaluation.expert_agreement(counts, predictions, bootstrap)


def _square(matrix: np.ndarray, rows: str) -> pd.DataFrame:
    return pd.DataFrame(matrix, pd.Index(CLASS_NAMES, name=rows), list(CLASS_NAMES))


def count_confusions(scored: pd.DataFrame) -> pd.DataFrame:
    """Windows by consensus (rows) and by most probable class (columns)."""
    return _square(evaluation.confusion_matrix(*_arrays(scored)), "consensus")


def expect_confusions(scored: pd.DataFrame) -> pd.DataFrame:
    """Windows by an expert's vote (rows) and the model's probability (columns)."""
    return _square(evaluation.expected_confusion(*_arrays(scored)), "vote")


def fit_temperatures(scored: pd.DataFrame) -> pd.DataFrame:
    """Fit each fold's temperature on the others.

    Returns:
        Columns ``fold`` and ``temperature``, NaN where one fold alone leaves nothing to fit on.
    """
    fitted = evaluation.cross_fit_temperatures(*_arrays(scored), scored["fold"].to_numpy())
    if len(fitted) == 1:
        logger.info("No temperature is fitted: all windows are of one fold.")
    return pd.DataFrame(fitted.items(), columns=["fold", "temperature"])


def _versions(scored: pd.DataFrame, temperatures: pd.DataFrame) -> dict[str, np.ndarray]:
    """Probabilities as predicted and, where temperatures could be fitted, scaled."""
    _, predictions = _arrays(scored)
    versions = {AS_PREDICTED: predictions}
    if temperatures["temperature"].notna().all():
        by_fold = temperatures.set_index("fold")["temperature"]
        row_temperatures = scored["fold"].map(by_fold).to_numpy()
        versions[SCALED] = evaluation.scale_temperature(predictions, row_temperatures)
    return versions


def _of_both_versions(
    score: Callable[..., pd.DataFrame],
    scored: pd.DataFrame,
    temperatures: pd.DataFrame,
    bootstrap: evaluation.PatientBootstrap,
    params: EvaluationParams,
) -> pd.DataFrame:
    votes, _ = _arrays(scored)
    tables = {
        version: score(votes, predictions, params.n_bins, bootstrap)
        for version, predictions in _versions(scored, temperatures).items()
    }
    return pd.concat(tables, names=["predictions"]).reset_index("predictions")


def score_calibration(
    scored: pd.DataFrame,
    temperatures: pd.DataFrame,
    bootstrap: evaluation.PatientBootstrap,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Score calibration before and after temperature scaling.

    Returns:
        ``predictions`` (as predicted, temperature scaled) and the columns of
        ``evaluation.calibration_scores``.
    """
    return _of_both_versions(evaluation.calibration_scores, scored, temperatures, bootstrap, params)


def trace_reliability(
    scored: pd.DataFrame,
    temperatures: pd.DataFrame,
    bootstrap: evaluation.PatientBootstrap,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Trace reliability before and after temperature scaling.

    Returns:
        ``predictions`` (as predicted, temperature scaled) and the columns of
        ``evaluation.reliability_curve``.
    """
    return _of_both_versions(evaluation.reliability_curve, scored, temperatures, bootstrap, params)


def _sample(scored: pd.DataFrame) -> str:
    counts = {"window": len(scored), "patient": scored["patient_id"].nunique()}
    return "n = " + " of ".join(f"{n:,} {name}{'s' * (n != 1)}" for name, n in counts.items())


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with classes as clinicians write them."""
    return table.assign(**{"class": table["class"].map(_NAMES)})


def plot_divergence(
    scored: pd.DataFrame, divergence: pd.DataFrame, warnings: list[str], params: EvaluationParams
) -> Figure:
    """Draw the KL divergence by number of votes, beside the baselines."""
    return scores.kl_by_tier(
        divergence, sample=_sample(scored), confidence=params.confidence, warnings=warnings
    )


def plot_ranking(scored: pd.DataFrame, ranking: pd.DataFrame, params: EvaluationParams) -> Figure:
    """Draw the AUROC and AUPRC of each class."""
    return scores.class_ranking(
        _named(ranking), sample=_sample(scored), confidence=params.confidence
    )


def plot_reliability(
    scored: pd.DataFrame,
    curves: pd.DataFrame,
    calibration: pd.DataFrame,
    params: EvaluationParams,
) -> Figure:
    """Draw each class' reliability, before and after temperature scaling."""
    return scores.reliability(
        _named(curves), _named(calibration), sample=_sample(scored), confidence=params.confidence
    )


def plot_confusions(
    scored: pd.DataFrame, confusion: pd.DataFrame, expected: pd.DataFrame
) -> Figure:
    """Draw both confusion matrices side by side."""
    matrices = {
        "consensus and most probable class": confusion.to_numpy(),
        "votes and probabilities": expected.to_numpy(),
    }
    return scores.confusions(matrices, CLASS_NAMES, sample=_sample(scored))


def plot_agreement(
    scored: pd.DataFrame, agreement: pd.DataFrame, params: EvaluationParams
) -> Figure:
    """Draw how model and experts agree, beside experts among each other."""
    voted = scored[label_counts(scored).sum(axis=1) >= 2]
    return scores.agreement(
        _named(agreement),
        sample=f"{_sample(voted)} with two votes or more",
        confidence=params.confidence,
    )
