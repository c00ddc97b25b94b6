"""How well networks predict the experts, with the verdict first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.reporting.data_tables import with_intervals
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.words import (
    NONE,
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
    percent,
    table_of,
)
from hbac.report import (
    Block,
    Fact,
    Facts,
    Heading,
    Notice,
    Paragraph,
    Section,
    Span,
    Table,
)

Pictures = bytes | None
Frame = pd.DataFrame | None
Record = dict[str, Any] | None

_TRAINED_ELSEWHERE = {"-1"}

_PREDICTORS = {
    "model": "the networks",
    "band power": "regression on band power",
    "class prior": "mean votes",
    "uniform": "all classes alike",
}
_COMPARISONS = {
    "expert-expert": "two experts",
    "model-expert": "networks and an expert",
    "expert-majority": "an expert and the majority of the others",
    "model-majority": "networks and the majority",
}


def _sample(metrics: dict[str, Any]) -> str:
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


def is_trained_by(modeling: ModelingParams, ensemble: Record) -> bool:
    """Whether networks are of the kind that these parameters make."""
    if ensemble is None:
        return False
    networks = ensemble["networks"]
    return (
        ensemble["image"] == modeling.image.model_dump(mode="json")
        and {one["architecture"] for one in networks} == {*modeling.network.architectures}
        and len({one["fold"] for one in networks}) == modeling.n_folds
    )


def _how_predicted(metrics: dict[str, Any]) -> str:
    if is_external(metrics):
        return "predicted by networks that were trained on another data set"
    return "each predicted by networks that never saw its patient"


def _verdict(metrics: dict[str, Any]) -> list[Block]:
    baselines = {
        name: value
        for name, value in metrics["kl_difference"]["all"].items()
        if is_number(value["value"])
    }
    if metrics["warnings"]:
        first = (
            "The networks are not shown to predict the experts' votes better than every baseline."
        )
        return [Notice(" ".join([first, *metrics["warnings"]]), "warning")]
    closest = max(baselines, key=lambda name: baselines[name]["value"])
    lower = {"value": None, "low": None, "high": None} | baselines[closest]
    text = (
        f"The networks predict the experts' votes better than all {len(baselines)} baselines. "
        f"Their mean KL divergence is lower than that of the closest one "
        f"({_PREDICTORS[closest]}) by {number(-lower['value'])} nats "
        f"({interval(-lower['high'], -lower['low'])})."
    )
    return [Notice(text, "good")]


def _tell_scored(metrics: dict[str, Any]) -> list[Block]:
    return [
        Paragraph(
            f"{counted(metrics['n_windows'], 'window')} of "
            f"{counted(metrics['n_patients'], 'patient')} with experts' votes were scored, "
            f"{_how_predicted(metrics)}. The KL divergence says how far the predicted "
            "probabilities are from the shares of the experts' votes: 0 nats is perfect, lower is "
            f"better. Intervals in this report: {metrics['intervals'].replace('%', ' %')}, since "
            "windows of one patient are alike."
        )
    ]


def _span(value: float | None, ends: dict[str, float | None], top: float) -> Span:
    low, high = (ends[end] / top if is_number(ends[end]) else None for end in ("low", "high"))
    return Span(value / top if is_number(value) else None, low, high)


def _kl_table(metrics: dict[str, Any]) -> list[Block]:
    """The KL divergence beside that of the baselines."""
    kl, ends = metrics["kl"]["all"], metrics["kl_interval"]["all"]
    names = [name for name in _PREDICTORS if is_number(kl[name])]
    top = max([kl[name] for name in names] + [ends[name]["high"] or 0 for name in names])
    rows, spans = [], []
    for name in names:
        difference = metrics["kl_difference"]["all"].get(name)
        shown = estimate(difference) if difference else NONE
        rows.append((_PREDICTORS[name], number(kl[name]), interval(**ends[name]), shown))
        spans.append(_span(kl[name], ends[name], top))
    caption = (
        "Mean KL divergence of the experts' votes from predictions, in nats; lower is better. The "
        f"difference is networks minus baseline, on the same draws. {_sample(metrics)}."
    )
    if is_external(metrics):
        caption += " Mean votes are those of these very windows: a baseline that knows the answers."
    header = ("predicted by", "KL", "interval", "difference")
    axis = f"0 to {top:.2f} nats"
    return [Table(caption, header, rows, frozenset({1, 2, 3}), spans, axis)]


def _facts(metrics: dict[str, Any], counts: Frame) -> list[Block]:
    agreement, n = metrics["agreement"], metrics["agreement"]["n"]
    kl, ends = metrics["kl"]["all"]["model"], metrics["kl_interval"]["all"]["model"]
    experts = estimate(agreement["expert-expert"]["kappa"], 2)
    networks = agreement["model-expert"]["kappa"]
    error = metrics["calibration"]["ece"]["all"]
    around = metrics["calibration"]["ece_interval"]["all"]
    facts = [
        Fact(f"{number(kl)} nats", "KL divergence", interval(**ends)),
        Fact(
            number(networks["value"], 2),
            "agreement with an expert beyond chance (kappa)",
            f"{interval(networks['low'], networks['high'], 2)}; experts among each other "
            f"{experts}; n = {counted(n, 'window')}",
        ),
        Fact(
            percent(error),
            "calibration error, in probability",
            f"{percent(around['low'])} to {percent(around['high'])}",
        ),
    ]
    if counts is not None:
        quantities = dict(zip(counts["quantity"], counts["value"], strict=True))
        detail = f"{counted(quantities['eegs'], 'EEG')}, {counted(quantities['labels'], 'label')}"
        facts.insert(0, Fact(f"{quantities['patients']:,}", "patients in the data set", detail))
    return [Facts(facts)]


def _cautions(
    metrics: Record,
    explanations: Record,
    epoch_was_chosen: bool,
    simulation_mark: str | None,
    failures: list[Frame],
) -> list[Block]:
    """What must be known before the scores are believed."""
    cautions = []
    if simulation_mark is not None:
        cautions.append(
            "The EEG of this data set is simulated. Its scores say that the steps work together; "
            "they say nothing about patients."
        )
    if metrics is not None and not is_external(metrics) and epoch_was_chosen:
        cautions.append(
            "The epoch that was kept of each network is the best on the fold that is then scored, "
            "which flatters the scores (`modeling.training.keep`)."
        )
    if explanations is not None and explanations["method"] in explanations["failing"]:
        cautions.append(
            f"The maps that are shown ({explanations['method']}) fail the randomisation check: "
            "they hardly depend on what the networks have learned."
        )
    n_failed = sum(len(table) for table in failures if table is not None)
    if n_failed:
        cautions.append(f"{counted(n_failed, 'file')} could not be used; see Quarantine.")
    return [Notice(text, "warning") for text in cautions]


def tell_summary(
    params: ReportingParams,
    modeling: ModelingParams,
    metrics: Record,
    counts: Frame,
    ensemble: Record,
    explanations: Record,
    spectrograms: dict[str, Any] | None,
    spectrogram_failures: Frame,
    eeg_spectrograms: dict[str, Any] | None,
    eeg_failures: Frame,
    simulation_mark: str | None,
) -> Section:
    """Tell what was found, the verdict first, and what it must be taken with.

    Args:
        params: what the report shows.
        modeling: how the networks were trained.
        metrics: every score.
        counts: what the data set holds.
        ensemble: the networks and what they are fed with.
        explanations: the tests of the maps.
        spectrograms: taken so that the table of failures is there before this runs.
        spectrogram_failures: spectrogram files that were set aside.
        eeg_spectrograms: as for the spectrograms.
        eeg_failures: EEG files that were set aside.
        simulation_mark: anything where hbac has simulated the data set.
    """
    failures = [spectrogram_failures, eeg_failures]
    chosen = modeling.training.keep == "best" and is_trained_by(modeling, ensemble)
    unscored = "No predictions were scored. `kedro run --pipeline evaluation` scores them."
    blocks = [
        *(keep(_verdict, metrics) or [Notice(unscored, "missing")]),
        *_cautions(metrics, explanations, chosen, simulation_mark, failures),
        *keep(_tell_scored, metrics),
        *([] if metrics is None else _facts(metrics, counts)),
        *keep(_kl_table, metrics),
        Paragraph("This is research. It is not a medical device; see Limits at the end."),
    ]
    return Section("summary", "Summary", blocks)


def _score_figures(metrics: Record) -> dict[str, Told]:
    sample = "" if metrics is None else f" {_sample(metrics)}."
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
        "brier": "Brier score",
        "ends": "interval ",
    }
    caption = (
        "Expected calibration error (mean gap of predicted probability and share of votes) and "
        "Brier score, as predicted and after temperature scaling; lower is better."
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
    sample = "" if metrics is None else f" {_sample(metrics)}."
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
