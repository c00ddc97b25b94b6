"""Parameters of the pipeline ``simulation``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.pipelines.parameters import Parameters

_SPECTROGRAM_SECONDS = WINDOW_ROWS * ROW_SECONDS


def _increasing(limits: tuple[int, int]) -> tuple[int, int]:
    if limits[0] > limits[1]:
        raise ValueError(f"must be [fewest, most], received {list(limits)}")
    return limits


Counts = Annotated[tuple[PositiveInt, PositiveInt], AfterValidator(_increasing)]
EEGSeconds = Annotated[int, Field(ge=WINDOW_SECONDS)]
LongSeconds = Annotated[int, Field(ge=_SPECTROGRAM_SECONDS)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class SimulationParams(Parameters):
    """Size and troubles of a simulated data set."""

    seed: NonNegativeInt = Field(description="seed of everything")
    patients: PositiveInt = Field(description="patients of the training split")
    sessions_per_patient: Counts = Field(description="recordings of a patient, fewest and most")
    eegs_per_session: Counts = Field(description="EEG files of a recording, fewest and most")
    eeg_seconds: Annotated[tuple[EEGSeconds, EEGSeconds], AfterValidator(_increasing)] = Field(
        description="length of an EEG file in seconds, shortest and longest"
    )
    labels_per_eeg: Counts = Field(description="labels of an EEG file, fewest and most")
    test_patients: int = Field(ge=3, description="patients of the test split, one EEG each")
    test_without_spectrogram: Fraction = Field(
        description="fraction of the test EEGs without a spectrogram file, at least two of them"
    )
    test_long_seconds: Annotated[tuple[LongSeconds, LongSeconds], AfterValidator(_increasing)] = (
        Field(description="length of the long test EEGs in seconds, shortest and longest")
    )
    spectrograms: bool = Field(
        description="whether there are 10-minute spectrograms; if not, recordings end with their "
        "EEG files"
    )
    ambiguity: float = Field(
        gt=0, lt=1, description="how ambiguous a recording is on average, 0 to 1"
    )
    gap_fraction: Fraction = Field(description="fraction of the recordings with NaN stretches")
    dead_channel_fraction: Fraction = Field(
        description="fraction of the recordings with a dead electrode"
    )
    schematic: Fraction = Field(description="fraction of recordings of the family without anatomy")
    neural_mass: Fraction = Field(description="fraction that models of columns of cortex make")
    mains_frequency: float = Field(gt=0, lt=100, description="power line frequency in Hz")

    @model_validator(mode="after")
    def _leaves_a_share(self) -> Self:
        if self.schematic + self.neural_mass > 1 + 1e-9:
            raise ValueError(
                "schematic and neural_mass must be at most 1 together, received "
                f"{self.schematic:g} and {self.neural_mass:g}"
            )
        return self
