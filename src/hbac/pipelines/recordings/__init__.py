"""Recordings in, answers out."""
