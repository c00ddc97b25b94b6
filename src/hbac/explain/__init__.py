"""Explanations: where in the picture a network found the evidence for each class.

Names load on first use, so that Keras is imported only to explain. A method is an object in the
module of its name: ``from hbac.explain.gradcam import gradcam``.
"""

import os

import lazy_loader

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "layers": ["feature_layers", "last_feature_layer"],
        "gradients": ["class_gradients"],
        "upsample": ["upsample"],
    },
)
