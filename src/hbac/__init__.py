"""Harmful brain activity classification: from raw critical-care EEG to explained predictions."""

from hbac.quiet import quieten_backend

__version__ = "0.1.0"

quieten_backend()
