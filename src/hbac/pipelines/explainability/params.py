"""Parameters of the pipeline ``explainability``."""

from pydantic import Field, PositiveInt

from hbac.pipelines.parameters import Parameters


class ExplainabilityParams(Parameters):
    """Which windows are explained, and how."""

    windows_per_class: PositiveInt = Field(description="windows of each consensus class")
    layer: str | None = Field(description="the layer whose features are weighed, null for the last")
    batch_size: PositiveInt = Field(description="windows a step")
