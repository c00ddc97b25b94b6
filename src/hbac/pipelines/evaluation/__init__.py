"""Predictions and votes to scores and their figures."""

from hbac.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
