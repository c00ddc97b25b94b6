"""Recordings in, answers out."""

from hbac.pipelines.recordings.pipeline import create_pipeline

__all__ = ["create_pipeline"]
