"""Wiring of the pipeline ``explainability``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.explainability.faithfulness_nodes import (
    check_randomisation,
    judge_randomisation,
    measure_faithfulness,
    score_faithfulness,
)
from hbac.pipelines.explainability.figure_nodes import (
    draw_confident_errors,
    draw_curves,
    draw_faithfulness,
    draw_importance,
    draw_mean_maps,
    draw_overview,
    draw_planted_evidence,
    draw_randomisation,
    draw_windows,
)
from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    summarise_importance,
    tabulate_importance,
    tell_evidence,
)
from hbac.pipelines.explainability.planted_nodes import (
    assemble_planted_input,
    find_planted_evidence,
    plan_planted_windows,
    score_planted_evidence,
)
from hbac.pipelines.explainability.record import summarise_explanations
from hbac.tracking.hook import EXPLAINING

_PARAMS = "params:explainability"
_INPUTS = ["model_input", "waveform_input"]
_NETWORKS = [*_INPUTS, "models", "ensemble", _PARAMS]
_MAPS = ["explained_windows", "activation_maps"]
_TOLD = ["failing_methods", _PARAMS]


def _explaining() -> list[Node]:
    """Maps, and what they say in words and shares."""
    return [
        Node(
            choose_windows,
            ["oof_predictions", "model_windows", "train_eegs", _PARAMS],
            "explained_windows",
            name="choose_windows",
        ),
        Node(
            compute_activation_maps,
            ["explained_windows", *_NETWORKS],
            "activation_maps",
            name="compute_activation_maps",
        ),
        Node(tell_evidence, [*_MAPS, "ensemble"], "evidence", name="tell_evidence"),
        Node(tabulate_importance, [*_MAPS, "ensemble"], "importance", name="tabulate_importance"),
        Node(
            summarise_importance,
            ["explained_windows", "importance", _PARAMS],
            "importance_summary",
            name="summarise_importance",
        ),
    ]


def _testing() -> list[Node]:
    """Whether the maps follow the weights, and the predictions the maps."""
    return [
        Node(
            check_randomisation,
            ["explained_windows", *_NETWORKS],
            "randomised_similarities",
            name="check_randomisation",
        ),
        Node(
            judge_randomisation,
            ["randomised_similarities", _PARAMS],
            ["randomisation", "failing_methods"],
            name="judge_randomisation",
        ),
        Node(
            measure_faithfulness,
            ["explained_windows", *_NETWORKS],
            ["window_curves", "window_faithfulness"],
            name="measure_faithfulness",
        ),
        Node(
            score_faithfulness,
            ["window_curves", "window_faithfulness", _PARAMS],
            ["perturbation_curves", "faithfulness"],
            name="score_faithfulness",
        ),
    ]


def _planting() -> list[Node]:
    """Whether the maps find evidence that was planted."""
    return [
        Node(
            plan_planted_windows,
            ["ensemble", _PARAMS],
            "planted_windows",
            name="plan_planted_windows",
        ),
        Node(
            assemble_planted_input,
            ["planted_windows", "ensemble", "params:spectrogram"],
            "planted_input",
            name="assemble_planted_input",
        ),
        Node(
            find_planted_evidence,
            ["planted_windows", "planted_input", "models", "ensemble", _PARAMS],
            "planted_evidence",
            name="find_planted_evidence",
        ),
        Node(
            score_planted_evidence,
            ["planted_evidence", _PARAMS],
            "planted_scores",
            name="score_planted_evidence",
        ),
    ]


def _summing_up() -> list[Node]:
    """The scores of the tests."""
    return [
        Node(
            summarise_explanations,
            [
                *("explained_windows", "faithfulness", "randomisation", "failing_methods"),
                *("planted_scores", "ensemble", _PARAMS),
            ],
            "explanation_scores",
            name="summarise_explanations",
            tags=EXPLAINING,
        ),
    ]


def _drawing() -> list[Node]:
    """Figures of windows and of the data set."""
    return [
        Node(
            draw_windows,
            [*_MAPS, "evidence", "model_input", "train_eegs", "ensemble", *_TOLD],
            "explanation_figures",
            name="draw_windows",
        ),
        Node(
            draw_overview,
            [*_MAPS, *_INPUTS, "ensemble", *_TOLD],
            "explanation_overview",
            name="draw_overview",
        ),
        Node(
            draw_confident_errors,
            [*_MAPS, *_INPUTS, "ensemble", *_TOLD],
            "confident_errors_figure",
            name="draw_confident_errors",
        ),
        Node(
            draw_mean_maps, [*_MAPS, "ensemble", *_TOLD], "mean_maps_figure", name="draw_mean_maps"
        ),
        Node(
            draw_importance,
            ["explained_windows", "importance_summary", "ensemble", *_TOLD],
            "importance_figure",
            name="draw_importance",
        ),
    ]


def _drawing_tests() -> list[Node]:
    """Figures of the tests."""
    return [
        Node(
            draw_curves,
            ["window_curves", "perturbation_curves", *_TOLD],
            "perturbation_curves_figure",
            name="draw_curves",
        ),
        Node(
            draw_faithfulness,
            ["window_faithfulness", "faithfulness", *_TOLD],
            "faithfulness_figure",
            name="draw_faithfulness",
        ),
        Node(
            draw_randomisation,
            ["randomised_similarities", "randomisation", *_TOLD],
            "randomisation_figure",
            name="draw_randomisation",
        ),
        Node(
            draw_planted_evidence,
            ["planted_evidence", "planted_scores", *_TOLD],
            "planted_evidence_figure",
            name="draw_planted_evidence",
        ),
    ]


def create_pipeline() -> Pipeline:
    """Networks and held-out windows to explanations, and explanations to the test."""
    tests = [*_testing(), *_planting(), *_summing_up()]
    nodes = [*_explaining(), *tests, *_drawing(), *_drawing_tests()]
    return Pipeline(nodes, namespace="explainability", prefix_datasets_with_namespace=False)
