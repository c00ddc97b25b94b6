"""Parameters by which timelines are made."""

from pydantic import Field, PositiveFloat, PositiveInt

from hbac.eeg.readability import ReadingRule
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.waveform import N_BIPOLAR
from hbac.pipelines.parameters import Parameters


class ReadingParams(Parameters):
    """Where along a recording the classes are predicted, and what a step must hold for it."""

    step_seconds: PositiveInt = Field(le=WINDOW_SECONDS, description="from one step to the next")
    least_channels: PositiveInt = Field(le=N_BIPOLAR, description="of 16 that must be usable")
    least_share: float = Field(gt=0, le=1, description="of a channel or step that must be readable")
    suppressed_microvolts: PositiveFloat = Field(description="peak to peak, below which EEG is")
    suppressed_share: float = Field(gt=0, le=1, description="from which on nothing is predicted")

    def rule(self) -> ReadingRule:
        """As ``hbac.eeg`` takes it."""
        return ReadingRule(**self.model_dump(exclude={"step_seconds"}))
