"""Parameters of the pipeline ``spectrogram``."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hbac.eeg.filters import CLEANING, check_cleaning
from hbac.eeg.recording import SAMPLING_RATE
from hbac.pipelines.parameters import Parameters


class SpectrogramParams(Parameters):
    """How windows are chosen and their spectrograms made."""

    policy: Literal["per_eeg", "distinct_votes"] = Field(description="how labels become windows")
    kind: Literal["mel", "multitaper", "cwt", "superlet"] = Field(description="of the transform")
    channels: Literal["chains", "all"] = Field(description="mean of each chain, or each channel")
    montage: Literal["bipolar", "average"] = Field(description="what a channel is measured against")
    clip: float | None = Field(description="largest amplitude left, in microvolts, or null")
    notch: float | None = Field(description="mains frequency to remove, in Hz, or null")
    band_pass: tuple[float, float] | None = Field(
        description="edges of the pass band, in Hz, or null"
    )
    wavelet: str | None = Field(description="PyWavelets' name of the denoising wavelet, or null")
    noise: Literal["median", "mean"] = Field(description="how denoising tells the noise")
    reference: Literal["channel", "fixed"] = Field(description="what the dB are against")
    centre: bool = Field(description="whether the central 10.24 s get panels of their own")
    dtype: Literal["float16", "float32"] = Field(description="type of the stored spectrograms")

    @model_validator(mode="after")
    def _cleaning_makes_sense(self) -> Self:
        check_cleaning(
            sampling_rate=SAMPLING_RATE, clip=self.clip, notch=self.notch, band_pass=self.band_pass
        )
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of ``hbac.eeg.window_spectrograms``."""
        return self.model_dump(exclude={"policy", "dtype"})

    @property
    def cleaning(self) -> dict[str, Any]:
        """Keywords of ``hbac.eeg.bipolar_waveforms``."""
        return self.model_dump(include={*CLEANING})
