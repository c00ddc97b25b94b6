"""Spectrogram files from parquet to npy."""

from hbac.pipelines.conversion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
