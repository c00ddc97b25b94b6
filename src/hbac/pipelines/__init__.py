"""The pipelines: each wires nodes in pipeline.py, which are pure functions in nodes.py.

They load on first use, so that a command which only names them is quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "conversion",
        "eda",
        "ensembling",
        "evaluation",
        "explainability",
        "inference",
        "modeling",
        "pretraining",
        "recordings",
        "reporting",
        "simulation",
        "spectrogram",
    ],
)
