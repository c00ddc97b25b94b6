"""The configuration that ships with the package, for runs outside of the project's folder."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def conf_source() -> Path:
    """The folder ``conf``: of the package, or of the project where that is installed in place."""
    shipped = _PACKAGE / "conf"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1] / "conf"
