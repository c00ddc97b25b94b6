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
            Node(
                check_predictions, "oof_predictions", "scored_predictions", name="check_predictions"
            ),
            Node(score_divergence, "scored_predictions", "kl_by_tier", name="score_divergence"),
            Node(score_classes, "scored_predictions", "class_auroc", name="score_classes"),
            Node(
                count_confusions, "scored_predictions", "confusion_matrix", name="count_confusions"
            ),
            Node(
                summarise_metrics,
                ["scored_predictions", "kl_by_tier", "class_auroc", "confusion_matrix"],
                "metrics",
                name="summarise_metrics",
            ),
            Node(plot_divergence, "kl_by_tier", "kl_by_tier_figure", name="plot_divergence"),
            Node(plot_auroc, "class_auroc", "class_auroc_figure", name="plot_auroc"),
            Node(
                plot_confusions,
                "confusion_matrix",
                "confusion_matrix_figure",
                name="plot_confusions",
            ),
        ]
    )
