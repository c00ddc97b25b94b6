"""Wiring of the pipeline ``reporting``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.reporting.data_nodes import (
    EXAMPLES,
    tell_data,
    tell_quality,
    tell_quarantine,
)
from hbac.pipelines.reporting.explanation_nodes import tell_explanations
from hbac.pipelines.reporting.provenance_nodes import tell_provenance, write_report
from hbac.pipelines.reporting.score_nodes import tell_calibration, tell_scores
from hbac.pipelines.reporting.shipped_nodes import tell_shipped
from hbac.pipelines.reporting.summary_nodes import tell_summary
from hbac.pipelines.tags import TAKES_WHAT_IS_THERE

_NAMES_KEPT = {"prefix_datasets_with_namespace": False}
_PARAMS = {"params": "params:reporting"}
_GROUPS = ("eda", "spectrogram", "modeling", "evaluation", "explainability")
_SECTIONS = (
    *("summary", "data", "quality", "quarantine"),
    *("scores", "calibration", "explanations", "shipped", "provenance"),
)


_FILES = {
    "spectrograms": "spectrogram_arrays",
    "spectrogram_failures": "spectrogram_failures",
    "eeg_spectrograms": "eeg_spectrograms",
    "eeg_failures": "eeg_spectrogram_failures",
}
"""What was made of the raw files, and which were set aside."""


def _figures(pattern: str, *names: str) -> dict[str, str]:
    return {name: pattern.format(name) for name in names}


def _of_data() -> list[Node]:
    """What the data set holds."""
    shown = ("class_distribution", "patients", "cooccurrence", "vote_agreement", "confusion")
    return [
        Node(
            tell_data,
            _PARAMS
            | {
                f"{name}_table": f"eda_{name}_table"
                for name in ("counts", "classes", "agreement", "overlap")
            }
            | {"simulation_mark": "simulation_mark"}
            | _figures("eda_{}_figure", *shown, "label_offsets", *EXAMPLES),
            "data_section",
            name="tell_data",
        ),
        Node(
            tell_quality,
            _PARAMS
            | {"missing_table": "eda_missing_data_table", "quality_table": "eda_quality_table"}
            | _figures("eda_{}_figure", "missing_data", "quality", "spectra"),
            "quality_section",
            name="tell_quality",
        ),
    ]


def _of_scores() -> list[Node]:
    """How well the networks predict."""
    shown = ("kl_by_tier", "class_ranking", "confusion", "expert_agreement")
    return [
        Node(
            tell_scores,
            _PARAMS
            | {
                "metrics": "metrics",
                "by_tier": "kl_by_tier",
                "ranking": "class_ranking",
                "agreement": "expert_agreement",
                "training_curves": "training_curves",
            }
            | _figures("{}_figure", *shown),
            "scores_section",
            name="tell_scores",
        ),
        Node(
            tell_calibration,
            _PARAMS
            | {
                "metrics": "metrics",
                "calibration": "calibration",
                "reliability": "reliability_figure",
            },
            "calibration_section",
            name="tell_calibration",
        ),
    ]


def _of_explanations() -> list[Node]:
    """Where the networks found their evidence."""
    explained = ("confident_errors", "mean_maps", "importance", "perturbation_curves")
    tested = ("faithfulness", "randomisation", "planted_evidence")
    return [
        Node(
            tell_explanations,
            _PARAMS
            | {
                "explainability": "params:explainability",
                "scores": "explanation_scores",
                "faithfulness_table": "faithfulness",
                "windows": "explained_windows",
                "evidence": "evidence",
                "window_figures": "explanation_figures",
                "overview": "explanation_overview",
            }
            | _figures("{}_figure", *explained, *tested),
            "explanations_section",
            name="tell_explanations",
        ),
    ]


def _of_the_run() -> list[Node]:
    """The verdict, and how it came about."""
    return [
        Node(tell_quarantine, _PARAMS | _FILES, "quarantine_section", name="tell_quarantine"),
        Node(
            tell_summary,
            _PARAMS
            | {
                "modeling": "params:modeling",
                "metrics": "metrics",
                "counts": "eda_counts_table",
                "windows": "model_windows",
                "ensemble": "ensemble",
                "explanations": "explanation_scores",
            }
            | _FILES
            | {"simulation_mark": "simulation_mark"},
            "summary_section",
            name="tell_summary",
        ),
        Node(
            tell_shipped,
            _PARAMS | {"scores": "shipped.scores", "predictions": "shipped.test.predictions"},
            "shipped_section",
            name="tell_shipped",
        ),
        Node(
            tell_provenance,
            _PARAMS
            | {"recipe": "params:recipe", "ensemble": "ensemble"}
            | {name: f"params:{name}" for name in _GROUPS},
            "provenance_section",
            name="tell_provenance",
        ),
    ]


def create_pipeline() -> Pipeline:
    """What the other pipelines made to one page; what they did not make is left out.

    A section stands in the group of the pipeline that it tells of, whose tables and figures
    kedro-viz can so keep inside.
    """
    page = Node(
        write_report,
        ["params:reporting", *(f"{name}_section" for name in _SECTIONS)],
        "report",
        name="write_report",
    )
    groups = {
        "eda": _of_data(),
        "evaluation": _of_scores(),
        "explainability": _of_explanations(),
        "reporting": _of_the_run(),
    }
    sections = (
        Pipeline(nodes, namespace=group, tags=TAKES_WHAT_IS_THERE, **_NAMES_KEPT)
        for group, nodes in groups.items()
    )
    return sum(sections, Pipeline([page], namespace="reporting", **_NAMES_KEPT))
