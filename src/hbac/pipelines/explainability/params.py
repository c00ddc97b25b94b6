"""Parameters of the pipeline ``explainability``."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from hbac.explain.methods import METHODS
from hbac.pipelines.parameters import Parameters


class FaithfulnessParams(Parameters):
    """How maps are put to the test."""

    windows_per_class: PositiveInt = Field(description="of each predicted class, drawn at random")
    tile_rows: PositiveInt = Field(description="tiles a panel, from low to high frequencies")
    tile_columns: PositiveInt = Field(description="tiles a panel, from its first to last second")
    fractions: tuple[float, ...] = Field(description="shares of tiles inserted or deleted")
    blur: PositiveFloat = Field(description="of the blurred fill, share of a panel")
    road_fractions: tuple[float, ...] = Field(description="shares of tiles removed by ROAD")
    road_noise: float = Field(ge=0, description="standard deviation of imputed pixels' noise")
    subset_shares: tuple[float, ...] = Field(description="sizes of sensitivity-n's subsets")
    subsets: int = Field(ge=3, description="subsets a size")
    batch_size: PositiveInt = Field(description="pictures a forward pass")


class RandomisationParams(Parameters):
    """The sanity check by random weights."""

    windows: PositiveInt = Field(description="windows whose maps are compared")
    steps: PositiveInt = Field(description="stages from the logits down to the first layer")
    threshold: float = Field(ge=0, le=1, description="rank correlation past which a map fails")


class PlantedParams(Parameters):
    """Simulated windows of which it is known where the evidence is."""

    windows: int = Field(ge=2, description="how many")
    shortest_seconds: float = Field(ge=2, le=50, description="of the planted stretch")
    longest_seconds: float = Field(ge=2, le=50, description="of the planted stretch")


class ExplainabilityParams(Parameters):
    """Which windows are explained, how, and how explanations are tested."""

    agreed_per_class: NonNegativeInt = Field(description="windows on which most experts agree")
    random_per_class: PositiveInt = Field(description="windows drawn at random")
    errors: NonNegativeInt = Field(description="wrong predictions, the surest first")
    figures_per_class: NonNegativeInt = Field(description="windows of a predicted class drawn")
    method: str = Field(description="a name in hbac.explain.METHODS: drawn and told in words")
    layer: str | tuple[str, ...] | None = Field(description="null: those the method looks at")
    draws: PositiveInt = Field(description="draws of patients that make an interval")
    confidence: float = Field(gt=0, lt=1, description="share of draws inside an interval")
    seed: int = Field(description="of all that is drawn")
    faithfulness: FaithfulnessParams
    randomisation: RandomisationParams
    planted: PlantedParams

    @field_validator("method")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in METHODS:
            raise ValueError(f"method must be one of {sorted(METHODS)}, received {value!r}")
        return value
