"""Wiring of the pipeline ``evaluation``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.evaluation.nodes import (
    check_predictions,
    compare_baselines,
    count_confusions,
    expect_confusions,
    fit_temperatures,
    plot_agreement,
    plot_confusions,
    plot_divergence,
    plot_ranking,
    plot_reliability,
    resample_patients,
    score_agreement,
    score_calibration,
    score_divergence,
    score_ranking,
    trace_reliability,
    warn_of_baselines,
)
from hbac.pipelines.evaluation.record import summarise_metrics

_SAMPLE = ["scored_predictions", "patient_bootstrap"]


def _sampling() -> list[Node]:
    """Predictions that can be scored, and samples of their patients."""
    return [
        Node(check_predictions, "oof_predictions", "scored_predictions", name="check_predictions"),
        Node(
            resample_patients,
            ["scored_predictions", "params:evaluation"],
            "patient_bootstrap",
            name="resample_patients",
        ),
    ]


def _divergence() -> list[Node]:
    """The competition's score, and that of predictions without a network."""
    return [
        Node(score_divergence, _SAMPLE, "kl_by_tier", name="score_divergence"),
        Node(compare_baselines, _SAMPLE, "kl_difference", name="compare_baselines"),
        Node(
            warn_of_baselines,
            ["kl_difference", "params:evaluation"],
            "baseline_warnings",
            name="warn_of_baselines",
        ),
    ]


def _classes() -> list[Node]:
    """How well classes are told apart, by the network and by experts."""
    return [
        Node(score_ranking, _SAMPLE, "class_ranking", name="score_ranking"),
        Node(score_agreement, _SAMPLE, "expert_agreement", name="score_agreement"),
        Node(count_confusions, "scored_predictions", "confusion_matrix", name="count_confusions"),
        Node(
            expect_confusions, "scored_predictions", "expected_confusion", name="expect_confusions"
        ),
    ]


def _calibration() -> list[Node]:
    """How often what is predicted is true."""
    calibrated = ["scored_predictions", "temperatures", "patient_bootstrap", "params:evaluation"]
    return [
        Node(fit_temperatures, "scored_predictions", "temperatures", name="fit_temperatures"),
        Node(score_calibration, calibrated, "calibration", name="score_calibration"),
        Node(trace_reliability, calibrated, "reliability_curve", name="trace_reliability"),
    ]


def create_scoring() -> Pipeline:
    """Predictions to scores, without figures."""
    summary = Node(
        summarise_metrics,
        [
            *("scored_predictions", "kl_by_tier", "kl_difference", "class_ranking"),
            *("confusion_matrix", "expert_agreement", "calibration", "temperatures"),
            *("baseline_warnings", "params:evaluation"),
        ],
        "metrics",
        name="summarise_metrics",
    )
    return Pipeline([*_sampling(), *_divergence(), *_classes(), *_calibration(), summary])


def _drawing() -> Pipeline:
    nodes = [
        Node(
            plot_divergence,
            ["scored_predictions", "kl_by_tier", "baseline_warnings", "params:evaluation"],
            "kl_by_tier_figure",
            name="plot_divergence",
        ),
        Node(
            plot_ranking,
            ["scored_predictions", "class_ranking", "params:evaluation"],
            "class_ranking_figure",
            name="plot_ranking",
        ),
        Node(
            plot_reliability,
            ["scored_predictions", "reliability_curve", "calibration", "params:evaluation"],
            "reliability_figure",
            name="plot_reliability",
        ),
        Node(
            plot_confusions,
            ["scored_predictions", "confusion_matrix", "expected_confusion"],
            "confusion_figure",
            name="plot_confusions",
        ),
        Node(
            plot_agreement,
            ["scored_predictions", "expert_agreement", "params:evaluation"],
            "expert_agreement_figure",
            name="plot_agreement",
        ),
    ]
    return Pipeline(nodes)


def create_pipeline() -> Pipeline:
    """Predictions to scores and figures."""
    nodes = create_scoring() + _drawing()
    return Pipeline(nodes, namespace="evaluation", prefix_datasets_with_namespace=False)
