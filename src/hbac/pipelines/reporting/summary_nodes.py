"""What was found, with the verdict first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.models.members import ALL_FOLDS
from hbac.pipelines.modeling.params import ModelingParams, WaveformParams
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.score_nodes import Frame, Record, is_external, sample_of
from hbac.pipelines.reporting.words import (
    NONE,
    counted,
    estimate,
    interval,
    is_number,
    keep,
    number,
    percent,
)
from hbac.report import Block, Fact, Facts, Notice, Paragraph, Section, Span, Table

_PREDICTORS = {
    "model": "the networks",
    "band power": "regression on band power",
    "class prior": "mean votes",
    "uniform": "all classes alike",
}


def is_trained_by(modeling: ModelingParams, ensemble: Record) -> bool:
    """Whether networks are of the kind that these parameters make."""
    if ensemble is None:
        return False
    networks = ensemble["networks"]
    return (
        ensemble["image"] == modeling.image.model_dump(mode="json")
        and WaveformParams.of_ensemble(ensemble) == modeling.waveform
        and {one["architecture"] for one in networks} == {*modeling.networks}
        and len({one["fold"] for one in networks} - {ALL_FOLDS}) == modeling.n_folds
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


def _tell_unlabelled(windows: pd.DataFrame, are_taught: bool) -> list[Block]:
    """What became of windows without votes; nothing where all have some."""
    unlabelled = windows[windows["n_votes"] == 0]
    if unlabelled.empty:
        return []
    n_eegs, n_patients = unlabelled["eeg_id"].nunique(), unlabelled["patient_id"].nunique()
    sample = (
        f"{counted(len(unlabelled), 'window')} without votes (of {counted(n_eegs, 'EEG')} and "
        f"{counted(n_patients, 'patient')})"
    )
    if not are_taught:
        reason = "they teach nothing while `modeling.training.teacher_votes` is 0"
        return [Paragraph(f"{sample} were left out: {reason}.")]
    told = (
        f"Training learned from {sample} as well, with what teachers predict of them as targets; "
        "a fold leaves out those of a patient whom it holds out. They are never scored."
    )
    return [Paragraph(told)]


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
        f"difference is networks minus baseline, on the same draws. {sample_of(metrics)}."
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
    if metrics is not None and epoch_was_chosen:
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
    windows: Frame,
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
        windows: those that were trained on, with votes and without.
        ensemble: the networks and what they are fed with.
        explanations: the tests of the maps.
        spectrograms: taken so that the table of failures is there before this runs.
        spectrogram_failures: spectrogram files that were set aside.
        eeg_spectrograms: as for the spectrograms.
        eeg_failures: EEG files that were set aside.
        simulation_mark: anything where hbac has simulated the data set.
    """
    failures = [spectrogram_failures, eeg_failures]
    training = modeling.training
    is_trained_here = is_trained_by(modeling, ensemble) and not is_external(metrics)
    chosen = is_trained_here and training.keep == "best"
    learned_from = windows if is_trained_here else None
    unscored = "No predictions were scored. `kedro run --pipeline evaluation` scores them."
    blocks = [
        *(keep(_verdict, metrics) or [Notice(unscored, "missing")]),
        *_cautions(metrics, explanations, chosen, simulation_mark, failures),
        *keep(_tell_scored, metrics),
        *keep(_tell_unlabelled, learned_from, training.teacher_votes > 0),
        *([] if metrics is None else _facts(metrics, counts)),
        *keep(_kl_table, metrics),
        Paragraph("This is research. It is not a medical device; see Limits at the end."),
    ]
    return Section("summary", "Summary", blocks)
