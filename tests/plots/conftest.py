"""Small EEG and spectrograms with known content."""

import matplotlib as mpl
import numpy as np
import pytest

from hbac.eeg import CHANNELS, Recording


@pytest.fixture(autouse=True)
def _leaves_no_state():
    """No figure function may change global settings or leave a figure behind."""
    settings = dict(mpl.rcParams)
    yield
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
    assert dict(mpl.rcParams) == settings


@pytest.fixture
def recording():
    """Fifty seconds of 20 channels; each a 5 Hz sine of its own amplitude, 20 to 400 uV."""
    times = np.arange(50 * 200) / 200
    amplitudes = 20.0 * (1 + np.arange(len(CHANNELS)))
    sines = amplitudes[:, None] * np.sin(2 * np.pi * 5 * times)
    return Recording(sines.astype(np.float32), CHANNELS)


@pytest.fixture
def power():
    """Ten minutes of regional power, 1 to 11 uV^2/Hz."""
    return 1 + 10 * np.random.default_rng(0).random((300, 400), dtype=np.float32)
