"""Harmful brain activity classification: from raw critical-care EEG to explained predictions."""

__version__ = "0.1.0"
