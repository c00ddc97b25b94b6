"""Trained networks and windows to class-activation maps."""

from hbac.pipelines.explainability.pipeline import create_pipeline

__all__ = ["create_pipeline"]
