"""What all typed parameters have in common."""

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters of a pipeline: immutable, and a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
