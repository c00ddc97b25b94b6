"""Parameters of the pipeline ``pretraining``."""

from typing import Self

from pydantic import model_validator

from hbac.pipelines.modeling.params import ModelingParams


class PretrainingParams(ModelingParams):
    """Everything that makes networks of simulated recordings, which have no pictures."""

    @model_validator(mode="after")
    def _sees_waveforms_alone(self) -> Self:
        if self.network.inputs != {"waveform"}:
            raise ValueError(
                "network.architecture must see waveforms alone, since recordings without "
                f"spectrograms are simulated, received {self.network.architecture!r}"
            )
        return self
