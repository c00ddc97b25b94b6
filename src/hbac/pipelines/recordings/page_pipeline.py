"""Wiring of what is shown of recordings: events explained, trends and pages."""

from kedro.pipeline import Node

from hbac.pipelines.recordings.event_nodes import (
    check_event_maps,
    choose_events,
    explain_events,
    name_chains,
)
from hbac.pipelines.recordings.index_nodes import write_index
from hbac.pipelines.recordings.page_nodes import (
    draw_days,
    draw_event_pages,
    draw_event_tests,
    draw_trends,
    write_recording_pages,
)

_PAGE = "params:recording.page"
_READING = "params:recording.reading"
_HOURS = ["recordings", "recording_spectrograms", "timelines", "events"]
_READ = ["explained_events", "recordings", "recording_spectrograms", "models", "ensemble"]


def explaining_nodes(found_events: str = "found_events") -> list[Node]:
    """Events as a timeline gives them to events with their chains.

    Args:
        found_events: the dataset that holds them.
    """
    return [
        Node(
            choose_events,
            [found_events, "timelines", _READING, _PAGE],
            "explained_events",
            name="choose_events",
        ),
        Node(
            explain_events,
            [*_READ, "params:explainability"],
            "event_evidence",
            name="explain_events",
        ),
        Node(
            check_event_maps,
            [*_READ, "params:explainability"],
            ["event_curves", "event_faithfulness", "event_randomisation", "event_map_tests"],
            name="check_event_maps",
        ),
        Node(name_chains, [found_events, "event_evidence", _PAGE], "events", name="name_chains"),
    ]


def page_nodes() -> list[Node]:
    """Events to trends, pages of EEG, and pages of HTML."""
    return [
        Node(draw_trends, _HOURS, "trends", name="draw_trends"),
        Node(draw_days, _HOURS, "day_trends", name="draw_days"),
        Node(
            draw_event_pages,
            [
                *("explained_events", "recordings", "event_evidence", "ensemble"),
                *("event_map_tests", _READING, _PAGE),
            ],
            "event_pages",
            name="draw_event_pages",
        ),
        Node(
            draw_event_tests,
            ["event_curves", "event_randomisation", "event_map_tests", "params:explainability"],
            ["event_curves_figure", "event_randomisation_figure"],
            name="draw_event_tests",
        ),
        Node(
            write_recording_pages,
            [
                *("recordings", "timelines", "events", "burden", "explained_events"),
                *("trends", "event_pages", "ensemble", "event_map_tests"),
                *("event_curves_figure", "event_randomisation_figure", _PAGE),
            ],
            "recording_reports",
            name="write_recording_pages",
        ),
        Node(
            write_index,
            [
                *("recordings", "timeline_failures", "timelines", "events"),
                *("burden", "recording_reports", "day_trends", _PAGE),
            ],
            "recordings_index",
            name="write_index",
        ),
    ]
