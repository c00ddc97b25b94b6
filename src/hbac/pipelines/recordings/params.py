"""Parameters of the pipeline ``recordings``."""

from pydantic import Field, PositiveFloat, PositiveInt

from hbac.eeg.readability import ReadingRule
from hbac.eeg.waveform import N_BIPOLAR
from hbac.models.eeg_ensemble import WINDOW_SECONDS
from hbac.pipelines.parameters import Parameters
from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.timeline_params import (
    AnnotationsParams,
    BurdenParams,
    EventsParams,
    ScoringParams,
)


class ReadingParams(Parameters):
    """What a step of a recording must hold for a prediction."""

    least_channels: PositiveInt = Field(le=N_BIPOLAR, description="of 16 that must be usable")
    least_share: float = Field(gt=0, le=1, description="of a channel or step that must be readable")
    suppressed_microvolts: PositiveFloat = Field(description="peak to peak, below which EEG is")
    suppressed_share: float = Field(gt=0, le=1, description="from which on nothing is predicted")

    def rule(self) -> ReadingRule:
        """As ``hbac.eeg`` takes it."""
        return ReadingRule(**self.model_dump())


class RecordingsParams(Parameters):
    """How recordings are read, and what is made of their timelines."""

    step_seconds: PositiveInt = Field(le=WINDOW_SECONDS, description="from one step to the next")
    reading: ReadingParams
    events: EventsParams
    annotations: AnnotationsParams
    burden: BurdenParams
    scoring: ScoringParams
    page: PageParams
