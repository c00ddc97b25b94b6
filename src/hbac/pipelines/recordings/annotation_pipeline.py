"""Wiring of what people take away from timelines."""

from kedro.pipeline import Node

from hbac.pipelines.recordings.annotation_nodes import (
    find_recording_events,
    measure_recording_burden,
    score_recordings,
    write_bids_events,
    write_edf_annotations,
    write_szcore_annotations,
)

_READ = ["events", "timelines", "recordings"]


def find_events_nodes(events: str = "events") -> list[Node]:
    """Timelines to events.

    Args:
        events: the dataset that takes them; another than ``events`` where their chains are to be
            filled in before annotations are written.
    """
    return [
        Node(
            find_recording_events,
            ["timelines", "params:recording.events"],
            events,
            name="find_recording_events",
        )
    ]


def annotation_nodes() -> list[Node]:
    """Events to annotation files, burden and scores."""
    return [
        Node(
            write_bids_events,
            ["events", "timelines"],
            ["bids_events", "bids_sidecars"],
            name="write_bids_events",
        ),
        Node(
            write_szcore_annotations, _READ, "szcore_annotations", name="write_szcore_annotations"
        ),
        Node(
            write_edf_annotations,
            [*_READ, "params:recording.annotations"],
            "edf_annotations",
            name="write_edf_annotations",
        ),
        Node(
            measure_recording_burden,
            [*_READ, "params:recording.burden"],
            "burden",
            name="measure_recording_burden",
        ),
        Node(
            score_recordings,
            [*_READ, "params:recording.scoring"],
            "event_scores",
            name="score_recordings",
        ),
    ]
