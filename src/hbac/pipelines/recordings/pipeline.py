"""Wiring of the pipeline ``recordings``."""

from kedro.pipeline import Node, Pipeline, pipeline

from hbac.pipelines.recordings.annotation_pipeline import annotation_nodes, find_events_nodes
from hbac.pipelines.recordings.page_pipeline import explaining_nodes, page_nodes
from hbac.pipelines.recordings.reading_nodes import describe_recordings
from hbac.pipelines.recordings.timeline_nodes import (
    compute_recording_spectrograms,
    predict_timelines,
)

_NETWORKS = {name: f"recording.{name}" for name in ("models", "ensemble")}


def _read() -> list[Node]:
    return [Node(describe_recordings, "recordings", "recording_cards", name="describe_recordings")]


def _predict() -> list[Node]:
    return [
        Node(
            compute_recording_spectrograms,
            ["recordings", "recording_cards"],
            "recording_spectrograms",
            name="compute_recording_spectrograms",
        ),
        Node(
            predict_timelines,
            [
                *("recordings", "recording_cards", "recording_spectrograms"),
                *("models", "ensemble", "params:recording.reading"),
            ],
            "timelines",
            name="predict_timelines",
        ),
    ]


def _annotate() -> list[Node]:
    """Timelines to events, with the chains in which the networks saw them, and annotations."""
    return [*find_events_nodes("found_events"), *explaining_nodes(), *annotation_nodes()]


def _show() -> list[Node]:
    return page_nodes()


def create_pipeline() -> Pipeline:
    """Recordings of any length to timelines, annotations, burden, trends and pages."""
    steps = pipeline([*_read(), *_predict(), *_annotate(), *_show()], inputs=_NETWORKS)
    return Pipeline(steps, namespace="recordings", prefix_datasets_with_namespace=False)
