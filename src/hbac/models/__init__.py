"""Keras networks: what they see, how they are built and how they are trained.

Names load on first use, so that a pipeline that trains nothing never imports Keras.
"""

import os

import lazy_loader

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "image": ["ImageLayout", "Panel", "build_image"],
        "architecture": ["ARCHITECTURES", "build_model"],
        "training": ["compiled_model", "fit", "predict", "reset"],
    },
)
