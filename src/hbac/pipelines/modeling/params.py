"""Parameters of the pipeline ``modeling``."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from hbac.models.image import ImageLayout
from hbac.pipelines.parameters import Parameters


class ImageParams(Parameters):
    """The picture that a network sees; see ``hbac.models.ImageLayout``."""

    sources: tuple[Literal["regional", "eeg"], ...] = Field(description="left to right")
    fit: Literal["crop", "stretch"] = Field(description="how a regional panel fills its cell")
    height: PositiveInt = Field(description="pixels")
    width: PositiveInt = Field(description="pixels")

    @property
    def layout(self) -> ImageLayout:
        """The picture's layout."""
        return ImageLayout(self.sources, self.fit, (self.height, self.width))


class NetworkParams(Parameters):
    """The network and how it is compiled."""

    architecture: str = Field(description="a name that hbac.models.build_model knows")
    weights: str | None = Field(description="imagenet, the path of a weights file, or null")
    dropout: float = Field(ge=0, lt=1, description="share of features dropped before the classes")
    batch_norm_momentum: float = Field(ge=0, lt=1, description="of the moving statistics")
    jit_compile: bool | Literal["auto"] = Field(description="compile by XLA")


class TrainingParams(Parameters):
    """The training of one fold."""

    learning_rates: tuple[PositiveFloat, ...] = Field(min_length=1, description="one an epoch")
    batch_size: PositiveInt = Field(description="windows a step")
    seed: int = Field(description="of weights, order and dropout")


class ModelingParams(Parameters):
    """Everything that makes the models."""

    n_folds: int = Field(ge=2, description="number of patient-grouped folds")
    image: ImageParams
    network: NetworkParams
    training: TrainingParams
