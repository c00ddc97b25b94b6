"""Networks that learn from simulated patients alone, and ship with the package."""

from hbac.pipelines.pretraining.pipeline import create_pipeline

__all__ = ["create_pipeline"]
