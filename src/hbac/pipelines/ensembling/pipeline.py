"""Wiring of the pipeline ``ensembling``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.ensembling.nodes import (
    collect_members,
    copy_networks,
    describe_members,
    join_members,
    learn_members_blend,
)
from hbac.pipelines.ensembling.score_nodes import (
    correlate_errors,
    plot_members,
    score_members,
    score_pools,
)
from hbac.pipelines.evaluation.nodes import resample_patients
from hbac.tracking.hook import JOINING

_PARAMS = "params:ensembling"


def _joining() -> list[Node]:
    return [
        Node(
            collect_members,
            "members",
            ["member_predictions", "member_records"],
            name="collect_members",
        ),
        Node(
            learn_members_blend,
            ["member_predictions", _PARAMS],
            "blend",
            name="learn_members_blend",
        ),
        Node(
            join_members,
            ["member_predictions", _PARAMS],
            "oof_predictions",
            name="join_members",
        ),
        Node(copy_networks, "members", "member_networks", name="copy_networks"),
        Node(
            describe_members,
            ["member_records", "blend", "member_networks"],
            "ensemble",
            tags=JOINING,
            name="describe_members",
        ),
    ]


def _scoring() -> list[Node]:
    joined = ["member_predictions", "oof_predictions"]
    return [
        Node(
            resample_patients,
            ["oof_predictions", "params:evaluation"],
            "member_bootstrap",
            name="resample_patients",
        ),
        Node(
            score_pools,
            [*joined, "member_bootstrap", _PARAMS],
            "pool_scores",
            name="score_pools",
        ),
        Node(
            score_members,
            [*joined, "blend", "member_bootstrap", _PARAMS],
            "member_scores",
            name="score_members",
        ),
        Node(
            correlate_errors,
            "member_predictions",
            "member_correlations",
            name="correlate_errors",
        ),
        Node(
            plot_members,
            ["member_scores", "pool_scores", "member_correlations", "params:evaluation"],
            "members_figure",
            name="plot_members",
        ),
    ]


def create_pipeline() -> Pipeline:
    """Finished runs to one ensemble of their networks, and what each of them adds."""
    nodes = [*_joining(), *_scoring()]
    return Pipeline(nodes, namespace="ensembling", prefix_datasets_with_namespace=False)
