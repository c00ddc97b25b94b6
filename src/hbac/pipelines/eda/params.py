"""Parameters of the pipeline ``eda``."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from hbac.pipelines.parameters import Parameters


class EdaParams(Parameters):
    """How much of a data set is looked at, and which example is shown."""

    seed: int = Field(description="Seed of the sample of EEGs.")
    sample_size: PositiveInt = Field(
        description="EEGs that are read to measure what is missing; all if there are fewer."
    )
    example_eeg_id: int | None = Field(
        description="EEG shown as the example; null shows the label with most votes for one class."
    )
