"""Wiring of the pipeline ``explainability``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    draw_activation_maps,
    draw_overview,
)


def create_pipeline() -> Pipeline:
    """Networks and held-out windows to Grad-CAM figures."""
    return Pipeline(
        [
            Node(
                choose_windows,
                ["oof_predictions", "model_windows", "params:explainability"],
                "explained_windows",
                name="choose_windows",
            ),
            Node(
                compute_activation_maps,
                ["explained_windows", "model_input", "models", "ensemble", "params:explainability"],
                "activation_maps",
                name="compute_activation_maps",
            ),
            Node(
                draw_activation_maps,
                ["explained_windows", "activation_maps", "model_input", "train_eegs", "ensemble"],
                "activation_map_figures",
                name="draw_activation_maps",
            ),
            Node(
                draw_overview,
                ["explained_windows", "activation_maps", "model_input", "ensemble"],
                "activation_map_overview",
                name="draw_overview",
            ),
        ]
    )
