"""Parameters of what is shown of recordings, and of how events are explained."""

from pydantic import Field, NonNegativeInt, PositiveInt

from hbac.pipelines.parameters import Parameters


class PageParams(Parameters):
    """Which events are explained and shown."""

    explained_per_class: NonNegativeInt = Field(
        description="events a class and recording that are explained, the most certain first"
    )
    chain_margin: float = Field(
        ge=0, lt=0.75, description="share of evidence beyond an even one that names a chain"
    )
    pages_per_class: NonNegativeInt = Field(
        description="events a class and recording of which the EEG is shown, as above"
    )
    page_seconds: float = Field(ge=10, le=30, description="EEG on a page, in seconds")
    events_listed: PositiveInt = Field(description="rows of the table of events on the page")
    colours: int | None = Field(ge=2, le=256, description="of a picture's palette; null: all")
