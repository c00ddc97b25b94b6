"""Harmful brain activity classification: from raw critical-care EEG to explained predictions."""

from hbac.caches import place_caches
from hbac.quiet import quieten_backend

__version__ = "0.1.0"

place_caches()
quieten_backend()
