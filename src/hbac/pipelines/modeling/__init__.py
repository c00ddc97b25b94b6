"""Windows and spectrograms to trained networks and out-of-fold predictions."""

from hbac.pipelines.modeling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
