"""What pretraining needs beside the nodes of simulation, modeling and evaluation."""

from __future__ import annotations

import pandas as pd


def take_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Take every window as it is: what is simulated in memory can always be read.

    Args:
        windows: of recordings without spectrograms; see ``hbac.eeg.windows.select_windows``.

    Returns:
        The same with ``spectrogram_source``, which is ``empty``. Row ``i`` becomes row ``i`` of
        the networks' input.
    """
    return windows.assign(spectrogram_source="empty")
