"""Training runs in MLflow: a parent run, and a child run a network.

Names load on first use, so that a pipeline that trains nothing never imports Keras or MLflow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data": ["data_fingerprint"],
        "hook": ["MlflowHook"],
        "network": ["EpochMetrics"],
    },
)
