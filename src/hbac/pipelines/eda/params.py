"""Parameters of the pipeline ``eda``."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from hbac.pipelines.parameters import Parameters


class EdaParams(Parameters):
    """How much of a data set is looked at."""

    seed: int = Field(description="Seed of the samples of EEGs, windows and patients.")
    sample_size: PositiveInt = Field(
        description="EEGs that are read to measure gaps, amplitude and hum; all if there are fewer."
    )
    windows_per_class: PositiveInt = Field(
        description="Windows of each class whose spectra are averaged, one a patient at most."
    )
