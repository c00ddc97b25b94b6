"""Windows and spectrograms to trained networks and out-of-fold predictions.

Its wiring loads on first use, since other pipelines take single nodes of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"pipeline": ["create_pipeline"]}
)
