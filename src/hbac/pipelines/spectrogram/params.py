"""Parameters of the pipeline ``spectrogram``."""

from typing import Literal

from pydantic import Field

from hbac.pipelines.parameters import Parameters


class SpectrogramParams(Parameters):
    """How windows are chosen and their spectrograms made."""

    policy: Literal["per_eeg", "distinct_votes"] = Field(description="how labels become windows")
    wavelet: str | None = Field(description="PyWavelets' name of the denoising wavelet, or null")
    dtype: Literal["float16", "float32"] = Field(description="type of the stored spectrograms")
