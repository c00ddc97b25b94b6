"""Parameters of the pipeline ``inference``."""

from pydantic import Field, PositiveInt

from hbac.pipelines.parameters import Parameters


class InferenceParams(Parameters):
    """How the ensemble is run; what it must be fed stands beside the networks."""

    batch_size: PositiveInt = Field(description="windows a step")
