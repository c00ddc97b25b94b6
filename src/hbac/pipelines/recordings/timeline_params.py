"""Parameters of what is made from timelines: events, annotations, burden and scores."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, field_validator, model_validator

from hbac.pipelines.parameters import Parameters
from hbac.timeline.events import EventDefinition
from hbac.timeline.peaks import PeakRule
from hbac.timeline.scores import ScoringRules

Pattern = Literal["Seizure", "LPD", "GPD", "LRDA", "GRDA"]


class EventsParams(Parameters):
    """When a pattern is an event."""

    begin: float = Field(gt=0, le=1, description="probability from which a pattern begins")
    go_on: float = Field(gt=0, le=1, description="probability down to which it goes on")
    shortest_seconds: NonNegativeFloat = Field(description="shorter events are dropped")
    merge_seconds: NonNegativeFloat = Field(description="events no further apart are one")

    @model_validator(mode="after")
    def _goes_on_below_where_it_begins(self) -> Self:
        if self.go_on > self.begin:
            raise ValueError(f"go_on must be at most begin = {self.begin}, received {self.go_on}")
        return self

    def definition(self) -> EventDefinition:
        """As ``hbac.timeline`` takes it."""
        return EventDefinition(**self.model_dump())


class AnnotationsParams(Parameters):
    """What annotation files say."""

    edf_channels: bool = Field(description="whether EDF+ says each event of each of its channels")


class BurdenParams(Parameters):
    """The largest share of epochs with seizure in any stretch of some minutes."""

    epoch_seconds: PositiveFloat = Field(description="length of an epoch")
    window_seconds: PositiveFloat = Field(description="length of the stretch")
    levels: tuple[float, ...] = Field(min_length=1, description="shares to reach, rising")
    least_readable: float = Field(ge=0, le=1, description="share of epochs that must be readable")

    @field_validator("levels")
    @classmethod
    def _are_rising_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)) or not all(0 < level <= 1 for level in value):
            raise ValueError(f"levels must be rising shares of up to 1, received {value}")
        return value

    @model_validator(mode="after")
    def _window_holds_epochs(self) -> Self:
        if self.window_seconds < self.epoch_seconds:
            raise ValueError(
                f"window_seconds must be at least epoch_seconds = {self.epoch_seconds}, received "
                f"{self.window_seconds}"
            )
        return self

    def rule(self) -> PeakRule:
        """As ``hbac.timeline`` takes it."""
        return PeakRule(**self.model_dump())


class ScoringParams(Parameters):
    """How events are scored against a reference."""

    annotation_patterns: dict[str, Pattern] = Field(
        description="what texts of reference annotations stand for, by regular expression"
    )
    tolerance_before: NonNegativeFloat = Field(description="seconds before an event's onset")
    tolerance_after: NonNegativeFloat = Field(description="seconds after an event's end")
    least_overlap: float = Field(ge=0, le=1, description="share of an event to be found")
    longest_seconds: PositiveFloat = Field(description="longer events count as several")
    merge_seconds: NonNegativeFloat = Field(description="events less apart count as one")

    @field_validator("annotation_patterns")
    @classmethod
    def _are_expressions(cls, value: dict[str, Pattern]) -> dict[str, Pattern]:
        for expression in value:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"{expression!r} is no regular expression: {error}") from error
        return value

    def rules(self) -> ScoringRules:
        """As ``hbac.timeline`` takes them."""
        return ScoringRules(**self.model_dump(exclude={"annotation_patterns"}))
