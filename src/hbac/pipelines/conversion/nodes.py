"""Spectrogram files from parquet to npy."""

from collections.abc import Callable

import numpy as np

Load = Callable[[], np.ndarray]


def convert_spectrograms(spectrograms: dict[str, Load]) -> dict[str, Load]:
    """Pass every spectrogram on as it is read: float32, values untouched, NaN kept.

    Args:
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.

    Returns:
        The same, to be written as npy.
    """
    return dict(spectrograms)
