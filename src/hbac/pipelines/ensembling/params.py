"""Parameters of the pipeline ``ensembling``."""

from typing import Literal

from pydantic import Field

from hbac.pipelines.parameters import Parameters


class EnsemblingParams(Parameters):
    """How the predictions of the members are joined."""

    pool: Literal["auto", "mean", "linear", "log-linear"] = Field(
        description="what is averaged, and whether weights are learned"
    )
    tier: Literal["all", "under 3", "3-9", "10 and more"] = Field(
        description="windows that teach the weights, by their votes"
    )
