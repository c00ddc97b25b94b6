"""What ships with the package beside its code: configuration, and networks that have learned."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def conf_source() -> Path:
    """The folder ``conf``: of the package, or of the project where that is installed in place."""
    shipped = _PACKAGE / "conf"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1] / "conf"


def pretrained_dir() -> Path:
    """The folder of the networks that the pipeline ``pretraining`` has made, a ``models_dir``."""
    return _PACKAGE / "pretrained"
