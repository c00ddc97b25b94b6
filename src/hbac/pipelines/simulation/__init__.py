"""A simulated data set in the competition's layout."""

from hbac.pipelines.simulation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
