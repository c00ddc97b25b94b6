"""Wiring of the pipeline ``evaluation``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.evaluation.nodes import (
    check_predictions,
    count_confusions,
    plot_auroc,
    plot_confusions,
    plot_divergence,
    score_classes,
    score_divergence,
    summarise_metrics,
)


def create_pipeline() -> Pipeline:
    """Predictions to scores and figures."""
    return Pipeline(
        [
            Node(check_predictions, "oof_predictions", "scored_predictions"),
            Node(score_divergence, "scored_predictions", "kl_by_tier"),
            Node(score_classes, "scored_predictions", "class_auroc"),
            Node(count_confusions, "scored_predictions", "confusion_matrix"),
            Node(
                summarise_metrics,
                ["scored_predictions", "kl_by_tier", "class_auroc", "confusion_matrix"],
                "metrics",
            ),
            Node(plot_divergence, "kl_by_tier", "kl_by_tier_figure"),
            Node(plot_auroc, "class_auroc", "class_auroc_figure"),
            Node(plot_confusions, "confusion_matrix", "confusion_matrix_figure"),
        ]
    )
