"""Tables, records and figures of all pipelines to one page."""

from hbac.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
