"""All scores of a run in one record."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASSES
from hbac.evaluation import COMPARISONS, VOTE_TIERS
from hbac.pipelines.evaluation.nodes import AS_PREDICTED, SCALED
from hbac.pipelines.evaluation.params import EvaluationParams

MODELS = ("model", "band power", "class prior", "uniform")


class _Scores:
    """A table whose numbers are found by names; one that is NaN or not there is None."""

    def __init__(self, table: pd.DataFrame, *keys: str) -> None:
        self._rows = table.set_index(list(keys)).to_dict("index")

    def get(self, column: str, *names: str) -> float | None:
        row = self._rows.get(names if len(names) > 1 else names[0], {})
        value = row.get(column, math.nan)
        return None if math.isnan(value) else float(value)

    def interval(self, *names: str, of: str = "") -> dict[str, float | None]:
        return {end: self.get(f"{of}{end}", *names) for end in ("low", "high")}

    def estimate(self, column: str, *names: str, of: str = "") -> dict[str, float | None]:
        return {"value": self.get(column, *names)} | self.interval(*names, of=of)


def _record_divergence(divergence: pd.DataFrame, differences: pd.DataFrame) -> dict[str, Any]:
    kl, difference = _Scores(divergence, "tier", "model"), _Scores(differences, "tier", "baseline")
    n = divergence.groupby("tier")["n"].first()
    return {
        "kl": {
            tier: {model: kl.get("kl", tier, model) for model in MODELS} | {"n": int(n[tier])}
            for tier in VOTE_TIERS
        },
        "kl_interval": {
            tier: {model: kl.interval(tier, model) for model in MODELS} for tier in VOTE_TIERS
        },
        "kl_difference": {
            tier: {name: difference.estimate("difference", tier, name) for name in MODELS[1:]}
            for tier in VOTE_TIERS
        },
    }


def _record_ranking(ranking: pd.DataFrame) -> dict[str, Any]:
    areas = _Scores(ranking, "class")
    return {
        "auroc": {name: areas.get("auroc", name) for name in CLASSES},
        "auroc_interval": {name: areas.interval(name, of="auroc_") for name in CLASSES},
        "auprc": {
            name: areas.estimate("auprc", name, of="auprc_")
            | {"prevalence": areas.get("prevalence", name)}
            for name in CLASSES
        },
    }


def _record_agreement(agreement: pd.DataFrame) -> dict[str, Any]:
    scores = _Scores(agreement, "comparison", "class")
    record = {
        comparison: {
            score: scores.estimate(score, comparison, "all", of=f"{score}_")
            for score in ("agreement", "kappa")
        }
        for comparison in COMPARISONS
    }
    return record | {"n": int(agreement["n"].iloc[0])}


def _record_calibration(calibration: pd.DataFrame, temperatures: pd.DataFrame) -> dict[str, Any]:
    scores, by_fold = _Scores(calibration, "predictions", "class"), _Scores(temperatures, "fold")
    classes = (*CLASSES, "all")
    record = {}
    for score in ("ece", "brier"):
        record[score] = {name: scores.get(score, AS_PREDICTED, name) for name in classes}
        record[f"{score}_interval"] = {
            name: scores.interval(AS_PREDICTED, name, of=f"{score}_") for name in classes
        }
    for name in ("ece_uncorrected", "ece_chance"):
        record[name] = {at: scores.get(name, AS_PREDICTED, at) for at in classes}
    temperature = {
        "by_fold": {str(fold): by_fold.get("temperature", fold) for fold in temperatures["fold"]}
    }
    for when, version in (("before", AS_PREDICTED), ("after", SCALED)):
        for score in ("kl", "ece"):
            value = scores.estimate(score, version, "all", of=f"{score}_")
            temperature[f"{score}_{when}"] = value
    return record | {"temperature": temperature}


def summarise_metrics(
    scored: pd.DataFrame,
    divergence: pd.DataFrame,
    differences: pd.DataFrame,
    ranking: pd.DataFrame,
    confusion: pd.DataFrame,
    agreement: pd.DataFrame,
    calibration: pd.DataFrame,
    temperatures: pd.DataFrame,
    warnings: list[str],
    params: EvaluationParams,
) -> dict[str, Any]:
    """Gather every score in one record.

    Returns:
        The same names in every run, but for the folds; a score that does not exist is None.
    """
    return {
        "n_windows": len(scored),
        "n_patients": int(scored["patient_id"].nunique()),
        "intervals": f"{params.confidence:.0%} of {params.draws} draws of patients",
        **_record_divergence(divergence, differences),
        **_record_ranking(ranking),
        "confusion": confusion.to_numpy().tolist(),
        "agreement": _record_agreement(agreement),
        "calibration": _record_calibration(calibration, temperatures),
        "warnings": warnings,
    }
