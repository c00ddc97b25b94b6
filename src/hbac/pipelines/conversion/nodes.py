"""Spectrogram files from parquet to npy."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from hbac.eeg.windows import NO_SPECTROGRAM
from hbac.pipelines.missing import missing_files

Load = Callable[[], np.ndarray]


def convert_spectrograms(spectrograms: dict[str, Load]) -> dict[str, Load]:
    """Pass every spectrogram on as it is read: float32, values untouched, NaN kept.

    Args:
        spectrograms: by ``spectrogram_id``, a callable that reads shape ``(time, 400)``.

    Returns:
        The same, to be written as npy.
    """
    return dict(spectrograms)


def convert_labelled_spectrograms(
    spectrograms: dict[str, Load], labels: pd.DataFrame
) -> dict[str, Load]:
    """Pass every spectrogram on, and have those set aside that labels name in vain.

    Args:
        spectrograms: see ``convert_spectrograms``.
        labels: the columns of ``train.csv``; ``spectrogram_id`` -1 says that a recording has none.

    Returns:
        As ``convert_spectrograms``, with callables that raise ``FileNotFoundError`` for those that
        are not there.

    Raises:
        ValueError: if none is there of those that the labels name.
    """
    named = labels.loc[labels["spectrogram_id"] != NO_SPECTROGRAM, "spectrogram_id"]
    hint = f", or give recordings without one the spectrogram_id {NO_SPECTROGRAM}"
    missing = missing_files(named, spectrograms, "spectrogram_id", hint=hint)
    return convert_spectrograms(spectrograms) | missing
