"""How well networks predict the experts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.pipelines.reporting.data_tables import with_intervals
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.words import (
    Told,
    class_name,
    counted,
    estimate,
    figures_of,
    folded_table,
    interval,
    is_number,
    joined,
    keep,
    not_made,
    number,
    table_of,
)
from hbac.report import (
    Block,
    Heading,
    Notice,
    Paragraph,
    Section,
    Table,
)

Pictures = bytes | None
Frame = pd.DataFrame | None
Record = dict[str, Any] | None

_TRAINED_ELSEWHERE = {"-1"}

_COMPARISONS = {
    "expert-expert": "two experts",
    "model-expert": "networks and an expert",
    "expert-majority": "an expert and the majority of the others",
    "model-majority": "networks and the majority",
}


def sample_of(metrics: dict[str, Any]) -> str:
    """Windows and patients that were scored."""
    return (
        f"n = {counted(metrics['n_windows'], 'window')} of "
        f"{counted(metrics['n_patients'], 'patient')}"
    )


def is_external(metrics: Record) -> bool:
    """Whether the networks that were scored were trained on another data set."""
    return (
        metrics is not None
        and {*metrics["calibration"]["temperature"]["by_fold"]} == _TRAINED_ELSEWHERE
    )


def _score_figures(metrics: Record) -> dict[str, Told]:
    sample = "" if metrics is None else f" {sample_of(metrics)}."
    voted = "" if metrics is None else f", n = {counted(metrics['agreement']['n'], 'window')}"
    return {
        "kl_by_tier": (
            "Mean KL divergence of networks and baselines by number of votes, with intervals.",
            "Mean KL divergence by number of votes on a window, beside the baselines; lower is "
            f"better. The fewer votes, the further their shares are from certain.{sample}",
        ),
        "class_ranking": (
            "Area under the ROC and precision-recall curves of each class, with intervals.",
            "How well each class is told from the rest: area under the ROC curve (0.5 is chance) "
            "and under the precision-recall curve (chance is the class's share of windows). "
            f"A window is positive if no other class has more votes.{sample}",
        ),
        "confusion": (
            "Two confusion matrices of six classes.",
            "Which classes the networks confuse: consensus and most probable class, and all votes "
            f"and probabilities.{sample}",
        ),
        "expert_agreement": (
            "Agreement of networks and experts beside that of experts among each other.",
            "Agreement with experts, as a share of pairs and beyond chance (kappa), beside that "
            "of experts among each other, who are the measure but no limit. Windows with two votes "
            f"or more{voted}.",
        ),
        "training_curves": (
            "Loss by epoch of each network, in training and in validation.",
            "Loss by epoch in training and on the held-out fold, a line a network; their number "
            "stands in the title.",
        ),
    }


def _name_classes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"class": frame["class"].map(class_name)})


def _tier_table(by_tier: pd.DataFrame) -> Table:
    ends = [interval(a, b) for a, b in zip(by_tier["low"], by_tier["high"], strict=True)]
    shown = by_tier.assign(interval=ends)
    names = {
        "tier": "votes on a window",
        "model": "predicted by",
        "kl": "KL in nats",
        "interval": "interval",
        "n": "windows",
        "n_patients": "patients",
    }
    caption = "Mean KL divergence by number of votes; lower is better."
    return table_of(shown, caption, names)


def _ranking_table(ranking: pd.DataFrame) -> Table:
    shown = with_intervals(_name_classes(ranking), roc="auroc", pr="auprc")
    names = {
        "class": "class",
        "auroc": "AUROC",
        "roc": "interval",
        "auprc": "AUPRC",
        "pr": "interval ",
        "prevalence": "chance",
        "n_positive": "windows of the class",
        "n_positive_patients": "their patients",
    }
    caption = "Areas under the ROC and the precision-recall curve; the latter's chance is beside."
    return table_of(shown, caption, names)


def _agreement_table(agreement: pd.DataFrame) -> Table:
    shown = with_intervals(_name_classes(agreement), raw="agreement", beyond="kappa")
    shown["comparison"] = shown["comparison"].map(lambda name: _COMPARISONS.get(name, name))
    names = {
        "comparison": "between",
        "class": "class",
        "agreement": "agreement",
        "raw": "interval",
        "kappa": "kappa",
        "beyond": "interval ",
        "n": "windows",
    }
    caption = "Agreement as a share of pairs, and beyond chance (kappa); higher is better."
    return table_of(shown, caption, names)


def tell_scores(
    params: ReportingParams,
    metrics: Record,
    by_tier: Frame,
    ranking: Frame,
    agreement: Frame,
    **figures: Pictures,
) -> Section:
    """Tell how well the networks predict the experts.

    Args:
        params: what the report shows.
        metrics: every score.
        by_tier: KL divergence by number of votes.
        ranking: AUROC and AUPRC by class.
        agreement: of networks and experts.
        **figures: of the pipelines ``evaluation`` and ``modeling``, by their names there.
    """
    told = _score_figures(metrics)
    shown = {name: figures_of(figures, {name: told[name]}, params) for name in told}
    made = {"scores": metrics} | {name: figures[name] for name in told if name in figures}
    curves = {"training_curves": made.pop("training_curves", None)}
    blocks = [
        *shown["kl_by_tier"],
        *folded_table("KL divergence by number of votes in numbers", _tier_table, by_tier),
        *shown["class_ranking"],
        *folded_table("Classes in numbers", _ranking_table, ranking),
        *shown["confusion"],
        *shown["expert_agreement"],
        *folded_table("Agreement in numbers", _agreement_table, agreement),
        *not_made(made, "evaluation"),
    ]
    if curves["training_curves"] is not None:
        blocks += [Heading("Training"), *shown["training_curves"]]
    elif not is_external(metrics):
        blocks.append(
            Notice("Training curves. Made by `kedro run --pipeline modeling`.", "missing")
        )
    return Section("scores", "Scores", blocks)


def _tell_temperature(metrics: dict[str, Any]) -> list[Block]:
    fitted = metrics["calibration"]["temperature"]
    by_fold = [value for value in fitted["by_fold"].values() if is_number(value)]
    if not by_fold:
        return [Paragraph("No temperature was fitted: that takes windows of two folds or more.")]
    temperatures = joined([number(value, 2) for value in by_fold])
    return [
        Paragraph(
            f"A temperature was fitted on the other folds of each ({temperatures}; 1 changes "
            "nothing, above 1 makes predictions less sure). It takes the KL divergence from "
            f"{estimate(fitted['kl_before'])} to {estimate(fitted['kl_after'])} nats, and the "
            f"calibration error from {estimate(fitted['ece_before'])} to "
            f"{estimate(fitted['ece_after'])}."
        )
    ]


def _calibration_table(calibration: pd.DataFrame) -> Table:
    shown = with_intervals(_name_classes(calibration), ece_ends="ece", ends="brier")
    names = {
        "class": "class",
        "predictions": "predictions",
        "ece": "ECE",
        "ece_ends": "interval",
        "ece_uncorrected": "uncorrected",
        "ece_chance": "by chance",
        "brier": "Brier score",
        "ends": "interval ",
    }
    caption = (
        "Expected calibration error (ECE: mean gap of predicted probability and share of votes, "
        "without what few votes open by chance; uncorrected as others give it, and what chance "
        "alone would make of that) and Brier score, as predicted and after temperature scaling; "
        "lower is better."
    )
    return table_of(shown, caption, names)


def tell_calibration(
    params: ReportingParams, metrics: Record, calibration: Frame, reliability: Pictures
) -> Section:
    """Tell whether a probability of 0.3 means that three in ten experts say so.

    Args:
        params: what the report shows.
        metrics: every score.
        calibration: calibration error and Brier score by class.
        reliability: the figure.
    """
    sample = "" if metrics is None else f" {sample_of(metrics)}."
    told = {
        "reliability": (
            "Reliability curves of six classes, with intervals.",
            "Mean share of the experts' votes where the networks predict so much: on the diagonal "
            "a probability of 0.3 means that three in ten experts say so. Each point is a bin of "
            f"equally many windows.{sample}",
        )
    }
    blocks = [
        *figures_of({"reliability": reliability}, told, params),
        *keep(_tell_temperature, metrics),
        *folded_table("Calibration in numbers", _calibration_table, calibration),
        *not_made({"reliability_figure": reliability, "calibration": calibration}, "evaluation"),
    ]
    return Section("calibration", "Calibration", blocks)
