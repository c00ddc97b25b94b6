"""Exploratory data analysis: what a data set holds, in tables and figures."""

from hbac.pipelines.eda.pipeline import create_pipeline

__all__ = ["create_pipeline"]
