"""Parameters of the pipeline ``evaluation``."""

from pydantic import Field, PositiveInt

from hbac.pipelines.parameters import Parameters


class EvaluationParams(Parameters):
    """How sure scores are, and how calibration is measured."""

    draws: PositiveInt = Field(description="draws of patients that make an interval")
    confidence: float = Field(gt=0, lt=1, description="share of draws inside an interval")
    n_bins: int = Field(ge=2, description="bins of equally many windows in a reliability curve")
    seed: int = Field(description="of the draws")
