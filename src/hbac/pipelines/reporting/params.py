"""Parameters of the pipeline ``reporting``."""

from pydantic import Field, NonNegativeInt

from hbac.pipelines.parameters import Parameters


class ReportingParams(Parameters):
    """What the report shows."""

    raw_dir: str = Field(description="where the data set lies")
    data_dir: str = Field(description="where what was made from it lies")
    failures_shown: NonNegativeInt = Field(description="rows of a table of failures")
    windows_per_class: int = Field(ge=0, le=8, description="explained windows shown with a map")
    colours: int | None = Field(ge=2, le=256, description="of a figure's palette; null: all")
