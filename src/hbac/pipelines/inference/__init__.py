"""The trained ensemble on recordings that it has not seen."""

from hbac.pipelines.inference.pipeline import (
    create_labelled_pipeline,
    create_pipeline,
    create_shipped_pipeline,
)

__all__ = ["create_labelled_pipeline", "create_pipeline", "create_shipped_pipeline"]
