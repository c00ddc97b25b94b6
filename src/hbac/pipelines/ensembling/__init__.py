"""Finished runs to one ensemble, and what each of them adds."""

from hbac.pipelines.ensembling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
