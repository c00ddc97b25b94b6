"""EEG windows to log-mel spectrograms."""

from hbac.pipelines.spectrogram.pipeline import create_pipeline

__all__ = ["create_pipeline"]
