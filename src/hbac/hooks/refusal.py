"""A run that is refused."""

from __future__ import annotations

import click


class GuardError(click.ClickException):
    """A run that was refused before its first node."""
